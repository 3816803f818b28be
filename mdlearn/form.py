"""The parameters of a template as a form in a notebook: a field each, checked while you type."""

import asyncio
import shlex
import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from ipywidgets import HTML, Button, Checkbox, HBox, Text, VBox

from mdlearn.templates import Parameter, check, find, read_parameters
from mdlearn.view.panel import Panel, at_home, heading

TAIL = 12  # lines of the run that stay in sight


class Form(Panel):
    """Fields, the command that they amount to, and a button that runs it.

    Attributes:
        fields: One widget per parameter.
        process: The run, once started.
    """

    def __init__(self, template: Path, known: Mapping[str, Parameter], out: Path) -> None:
        self.template, self.known, self.out = template, known, out
        self.fields = {name: _field(parameter) for name, parameter in known.items()}
        self.process: asyncio.subprocess.Process | None = None
        self.task: asyncio.Task[None] | None = None
        self.start = Button(description="run", icon="play", layout={"width": "92px"})
        self.halt = Button(description="stop", icon="stop", disabled=True, layout={"width": "92px"})
        self.told, self.output = HTML(), HTML()
        for field in self.fields.values():
            field.observe(at_home(lambda _: self.look()), "value")
        self.start.on_click(at_home(lambda _: self.begin()))
        self.halt.on_click(at_home(lambda _: self.end()))
        rows = [HBox([self.fields[name], _meaning(known[name])]) for name in known]
        buttons = HBox([self.start, self.halt])
        children = [heading(template.stem), VBox(rows), self.told, buttons, self.output]
        super().__init__(
            children, alt=f"A form for the template {template.stem}: {', '.join(known)}"
        )
        self.look()

    @property
    def given(self) -> dict[str, object]:
        """What differs from the defaults, as typed."""
        defaults = {name: _shown(parameter) for name, parameter in self.known.items()}
        return {k: field.value for k, field in self.fields.items() if field.value != defaults[k]}

    @property
    def command(self) -> list[str]:
        """The same run on the command line."""
        words = ["mdlearn", "run", self.template.stem]
        for name, value in self.given.items():
            words += ["--" + name.replace("_", "-"), str(value)]
        return [*words, "-o", str(self.out)]

    def values(self) -> dict[str, object]:
        """All parameters, each checked.

        Raises:
            ValueError: A field holds something else than its type.
            FileNotFoundError: A field names a file that is not there.
        """
        return check(self.template, self.given)

    def look(self) -> None:
        """Say what is wrong, or how the command reads."""
        try:
            self.values()
        except (ValueError, FileNotFoundError) as error:
            self.told.value, self.start.disabled = f"<b>⚠ {escape(str(error))}</b>", True
        else:
            self.told.value = f"<code>{escape(shlex.join(self.command))}</code>"
            self.start.disabled = self.process is not None

    def begin(self) -> None:
        """Run it, in a process of its own, so that the notebook stays alive."""
        self.task = asyncio.get_running_loop().create_task(self._run())

    def end(self) -> None:
        """Stop the run; the same button takes it up in the same folder."""
        if self.process is not None:
            self.process.terminate()

    async def _run(self) -> None:
        self.start.disabled, self.halt.disabled, lines = True, False, []
        command = [sys.executable, "-m", "mdlearn.cli", "run", str(self.template)]
        pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.STDOUT}
        try:
            self.process = await asyncio.create_subprocess_exec(
                *command, *self.command[3:], **pipes
            )
            async for line in self.process.stdout:
                lines = [*lines, line.decode(errors="replace").rstrip()][-TAIL:]
                self.output.value = f"<pre>{escape(chr(10).join(lines))}</pre>"
            await self.process.wait()
        finally:
            self.process, self.halt.disabled = None, True
            self.look()


def form(template: str | Path, out: str | Path = "runs") -> Form:
    """A form for a template.

        form("train_force_field")

    Args:
        template: Name or path.
        out: Where the result folder is made.
    """
    source = find(template)
    return Form(source, read_parameters(source), Path(out))


def _field(parameter: Parameter) -> Any:
    look = {
        "description": parameter.name.replace("_", " "),
        "style": {"description_width": "130px"},
        "layout": {"width": "330px"},
    }
    if parameter.type == "bool":
        return Checkbox(value=parameter.default, indent=True, **look)
    return Text(value=_shown(parameter), continuous_update=False, **look)


def _shown(parameter: Parameter) -> Any:
    """The default as its field shows it."""
    default = parameter.default
    if parameter.type == "bool":
        return default
    return ",".join(map(str, default)) if isinstance(default, list) else str(default)


def _meaning(parameter: Parameter) -> HTML:
    return HTML(f"{escape(parameter.meaning)} (<i>{escape(parameter.unit)}</i>)")
