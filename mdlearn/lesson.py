"""What a chapter says to its reader: source code, proofs, claims, exercises.

Each function displays in a notebook and prints elsewhere. The plain text never wobbles between
machines; a measured number stands only in the rich text, in a span that the notebook tests mask.
"""

import dis
import inspect
import json
import math
import os
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any, SupportsFloat

import numpy as np

from mdlearn.view.arrays import to_numpy

_CLAIMS: list[dict[str, Any]] = []
_SIGNS = {"lower": "≤", "higher": "≥"}
_GOOD, _BAD, _OPEN = "#009E73", "#D55E00", "#767676"


class _ShortError(AssertionError):
    """An error whose message is all that a reader needs: a notebook shows no traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class ClaimFailed(_ShortError):  # noqa: N818 (the reader sees the name)
    """A claim of the chapter is not true."""


class NotEqual(_ShortError):  # noqa: N818 (the reader sees the name)
    """Two things that should agree do not."""


class Wrong(_ShortError):  # noqa: N818 (the reader sees the name)
    """An answer is wrong; the message is a sentence that helps."""


@dataclass(frozen=True)
class Exercise:
    """A question of a chapter and how to tell a right answer.

    Attributes:
        test: Takes the answer, returns a sentence that says what was right, raises `Wrong` with a
            sentence that helps. It tests properties (a symmetry, a limit, a derivative), not a value
            to be copied.
        hints: From a nudge to nearly the solution.
    """

    test: Callable[[Any], str]
    hints: tuple[str, ...] = ()


def show(thing: Callable[..., Any] | type) -> None:
    """Show the package's own source of a function or class: the code that runs, not a copy."""
    thing = inspect.unwrap(thing)
    source = textwrap.dedent(inspect.getsource(thing)).rstrip()
    line = inspect.getsourcelines(thing)[1]
    module = inspect.getmodule(thing).__name__
    place = f'{module.replace(".", "/")}.py <span class="measured">line {line}</span>'
    _tell(
        f"{thing.__qualname__} from {module}",
        markdown=f"`{thing.__qualname__}` · {place}\n\n```python\n{source}\n```",
    )


def agree(a: Any, b: Any, *, tolerance: float = 1e-8) -> None:
    """Prove that two computations give the same numbers.

    $$\\max|a - b| \\le \\text{tolerance} \\cdot \\max(|a|, |b|)$$

    Args:
        a: Number, array, tensor or sequence.
        b: The same shape.
        tolerance: Allowed difference, a ratio to the largest value.

    Raises:
        NotEqual: They differ by more, in shape, or one is not a number.
    """
    a, b = (np.asarray(to_numpy(x), dtype=float) for x in (a, b))
    if a.shape != b.shape:
        raise NotEqual(f"the shapes {a.shape} and {b.shape} differ")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise NotEqual("a value is NaN or infinite")
    if a.size == 0:
        raise NotEqual("there is nothing to compare: both are empty")
    size = max(np.abs(a).max(), np.abs(b).max())
    worst = np.abs(a - b).max()
    if worst > tolerance * size:
        i = np.unravel_index(np.abs(a - b).argmax(), a.shape)
        where = f" at {tuple(int(k) for k in i)}" if i else ""
        raise NotEqual(
            f"{a[i]:.10g} is not {b[i]:.10g}{where}; the difference is {worst / size:.1e} of the "
            f"largest value, {tolerance:.0e} is allowed"
        )
    digits = math.floor(-math.log10(tolerance)) if tolerance > 0 else 15
    plain = f"they agree: {_count(a.size, 'value')}, {_count(digits, 'digit')}"
    _tell(
        plain,
        html=_card(
            _GOOD, "✓ they agree", plain.partition(": ")[2], f"largest difference {worst:.1e}"
        ),
    )


def claim(
    name: str,
    value: SupportsFloat,
    bound: SupportsFloat,
    *,
    better: str = "lower",
    baseline: SupportsFloat | None = None,
    baseline_name: str = "the baseline",
    beats_baseline: bool = False,
    unit: str = "",
) -> None:
    """Say what was measured and hold the chapter to it: a claim that is false stops the run.

    The value goes to `metrics()`, and to the file that the environment variable `MDLEARN_METRICS`
    names, one JSON object a line.

    Args:
        name: What the number is, as a reader says it: "force error on unseen frames".
        value: What this run measured.
        bound: The worst that is still true.
        better: "lower" if small is good, else "higher".
        baseline: The same number for something simple, to compare with.
        baseline_name: What that is.
        beats_baseline: Also claim that the value is better than the baseline.
        unit: Of value, bound and baseline.

    Raises:
        ClaimFailed: The value misses the bound or the baseline, or is not a number.
    """
    if better not in _SIGNS:
        raise ValueError(f'better is "lower" or "higher", got {better!r}')
    if beats_baseline and baseline is None:
        raise ValueError("beats_baseline needs a baseline")
    value, bound = float(value), float(bound)
    baseline = None if baseline is None else float(baseline)
    sign = 1 if better == "lower" else -1
    holds = sign * value <= sign * bound
    if beats_baseline:
        holds = holds and sign * value < sign * baseline
    record = {
        "name": name,
        "value": value if math.isfinite(value) else None,
        "bound": bound,
        "better": better,
        "baseline": baseline,
        "baseline_name": None if baseline is None else baseline_name,
        "unit": unit,
        "holds": holds,
    }
    _keep(record)
    told = f"{name} {_SIGNS[better]} {_number(bound)}{_spaced(unit)}"
    if beats_baseline:
        told += f", better than {baseline_name}"
    measured = f"measured {_number(value)}{_spaced(unit)}"
    if baseline is not None:
        measured += f"; {baseline_name}: {_number(baseline)}{_spaced(unit)}"
    if not holds:
        _tell(f"claim fails: {told}", html=_card(_BAD, "✗ claim fails", told, measured))
        raise ClaimFailed(f"{told}: {measured}")
    _tell(f"claim holds: {told}", html=_card(_GOOD, "✓ claim holds", told, measured))


def metrics() -> list[dict[str, Any]]:
    """All claims made so far in this process, oldest first."""
    return [dict(record) for record in _CLAIMS]


def predict(question: str, options: Sequence[str]) -> Any:
    """Ask for a guess before the run: a widget; its `reveal(answer, because)` comes after.

    The chapter runs on if nobody guesses.
    """
    from mdlearn.view.choice import Choice

    return Choice(question, options)


def check(identifier: str, answer: Any, *, graded: bool = False) -> None:
    """Test an answer to an exercise; unanswered (`...`), say so and go on.

    Args:
        identifier: Chapter and number, as in the text: "12.2".
        answer: Whatever the exercise asks for: a number, a word, a function.
        graded: No answer is a wrong answer, too.

    Raises:
        Wrong: With a sentence that helps.
    """
    exercise = _find(identifier)
    if _unanswered(answer):
        if graded:
            raise Wrong(f"exercise {identifier} was left open")
        plain = f"exercise {identifier} is open: replace the ... above, then run both cells"
        _tell(
            plain, html=_card(_OPEN, f"○ exercise {identifier} is open", plain.partition(": ")[2])
        )
        return
    praise = exercise.test(answer)
    plain = f"exercise {identifier} is right: {praise}"
    _tell(plain, html=_card(_GOOD, f"✓ exercise {identifier} is right", praise))


def hint(identifier: str, level: int = 1) -> None:
    """Show one hint to an exercise; a higher level tells more."""
    hints = _find(identifier).hints
    if not 1 <= level <= len(hints):
        raise ValueError(f"exercise {identifier} has hints 1 to {len(hints)}, got level {level}")
    more = f" (hint({identifier!r}, {level + 1}) tells more)" if level < len(hints) else ""
    plain = f"hint {level} of {len(hints)}: {hints[level - 1]}{more}"
    _tell(plain, markdown=plain)


def _find(identifier: str) -> Exercise:
    chapter, _, _ = identifier.partition(".")
    if not chapter.isdigit():
        raise ValueError(f'an exercise is named like "12.2", got {identifier!r}')
    exercises = import_module(f"mdlearn.lessons.ch{int(chapter):02d}").EXERCISES
    if identifier not in exercises:
        raise ValueError(f"no exercise {identifier!r}; there are {', '.join(exercises)}")
    return exercises[identifier]


def _unanswered(answer: Any) -> bool:
    if answer is None or answer is ...:
        return True
    if isinstance(answer, tuple | list):
        return any(part is ... for part in answer)
    if isinstance(answer, dict):
        return any(part is ... for part in answer.values())
    return inspect.isfunction(answer) and _blank(answer)


def _blank(function: Callable[..., Any]) -> bool:
    """The body is `...`: the function does nothing but return None."""
    steps = [i for i in dis.get_instructions(function) if i.opname not in ("RESUME", "NOP")]
    names = [step.opname for step in steps]
    return names in (["LOAD_CONST", "RETURN_VALUE"], ["RETURN_CONST"]) and steps[0].argval is None


def _keep(record: dict[str, Any]) -> None:
    _CLAIMS.append(record)
    if path := os.environ.get("MDLEARN_METRICS"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _number(value: float) -> str:
    """Three digits, without the noise of more."""
    return f"{value:.3g}" if abs(value) < 1000 or not math.isfinite(value) else f"{value:,.0f}"


def _spaced(unit: str) -> str:
    return f" {unit}" if unit else ""


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n:,} {noun}s"


def _card(color: str, verdict: str, text: str, measured: str = "") -> str:
    number = f' · <span class="measured">{escape(measured)}</span>' if measured else ""
    return (
        f'<div style="border-left:4px solid {color};padding:2px 0 2px 10px;margin:4px 0">'
        f"<b>{escape(verdict)}</b> · {escape(text)}{number}</div>"
    )


def _tell(plain: str, *, html: str | None = None, markdown: str | None = None) -> None:
    """Display in a notebook, print elsewhere."""
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(plain)
        return
    data = {"text/plain": plain}
    if html:
        data["text/html"] = html
    if markdown:
        data["text/markdown"] = markdown
    display(data, raw=True)
