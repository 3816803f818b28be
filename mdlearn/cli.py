"""The command `mdlearn`: list the templates, or run one on your own file."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mdlearn.templates import Parameter, find, read_parameters, run, templates


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; 0 if all went well, 2 if the command is wrong, 1 otherwise."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="mdlearn", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="list | run")
    commands.add_parser("list", help="the templates and what each is for")
    job = commands.add_parser(
        "run", help="run a template; `mdlearn run NAME --help` lists its parameters", add_help=False
    )
    job.add_argument("template", nargs="?", metavar="NAME", help="name or path of a template")
    options, rest = parser.parse_known_args(arguments)
    try:
        if options.command == "list":
            for name, path in templates().items():
                print(f"{name:<24} {_promise(path)}")
            return 0
        if options.template is None:
            raise ValueError(f"which template? There are {', '.join(templates())}")
        return _run(find(options.template), rest)
    except (ValueError, FileNotFoundError) as error:
        print(f"mdlearn: {error}", file=sys.stderr)
        return 2
    except RuntimeError as error:
        print(f"mdlearn: {error}", file=sys.stderr)
        return 1


def _run(template: Path, arguments: list[str]) -> int:
    known = read_parameters(template)
    parser = argparse.ArgumentParser(
        prog=f"mdlearn run {template.stem}", description=_promise(template), allow_abbrev=False
    )
    parser.add_argument(
        "-o", "--out", default="runs", help="where the result folder is made [runs]"
    )
    for parameter in known.values():
        parser.add_argument(
            _option(parameter.name),
            dest=parameter.name,
            metavar=parameter.type.upper(),
            default=argparse.SUPPRESS,
            help=_help(parameter),
        )
    given, unknown = parser.parse_known_args(arguments)
    values = vars(given)
    out = values.pop("out")
    for word in unknown:
        name = word.partition("=")[0].removeprefix("--").replace("-", "_")
        values[name] = None  # `run` names the nearest parameter
    run(template, values, out)
    return 0


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _help(parameter: Parameter) -> str:
    text = f"{parameter.meaning} ({parameter.unit}) [{parameter.default}]"
    return text.replace("%", "%%")


def _promise(template: Path) -> str:
    """The first line of text below the title of a notebook."""
    import json

    cell = json.loads(template.read_text(encoding="utf-8"))["cells"][0]
    lines = [line.strip() for line in "".join(cell["source"]).splitlines()]
    return next((line for line in lines if line and not line.startswith("#")), "")
