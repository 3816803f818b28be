"""The command `mdlearn`: templates on your own file, chapters for a class, a look at the machine."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mdlearn.templates import Parameter, find, read_parameters, run, templates


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; 0 if all went well, 2 if the command is wrong, 1 otherwise."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    options, rest = _parser().parse_known_args(arguments)
    try:
        if options.command == "run":
            if options.template is None:
                raise ValueError(f"which template? There are {', '.join(templates())}")
            return _run(find(options.template), rest)
        if rest:
            raise ValueError(f"{options.command} does not know {' '.join(rest)}")
        return {"list": _list, "doctor": _doctor, "assignment": _assignment}[options.command](
            options
        )
    except (ValueError, FileNotFoundError) as error:
        print(f"mdlearn: {error}", file=sys.stderr)
        return 2
    except RuntimeError as error:
        print(f"mdlearn: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mdlearn", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="list | run | doctor | assignment"
    )
    commands.add_parser("list", help="the templates and what each is for")
    job = commands.add_parser(
        "run", help="run a template; `mdlearn run NAME --help` lists its parameters", add_help=False
    )
    job.add_argument("template", nargs="?", metavar="NAME", help="name or path of a template")
    doctor = commands.add_parser("doctor", help="what is wrong with this machine, and the cure")
    doctor.add_argument("--json", action="store_true", help="for programs")
    chapter = commands.add_parser("assignment", help="a chapter as an assignment for nbgrader")
    chapter.add_argument("chapter", type=Path, help="the notebook of a chapter")
    chapter.add_argument("-o", "--out", default=".", type=Path, help="folder of the course [.]")
    chapter.add_argument("--points", default=1, type=int, help="for each exercise [1]")
    return parser


def _list(_: argparse.Namespace) -> int:
    for name, path in templates().items():
        print(f"{name:<24} {_promise(path)}")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from mdlearn.doctor import examine, told

    findings = examine()
    print(told(findings, as_json=options.json))
    return int(any(finding.state == "bad" for finding in findings))


def _assignment(options: argparse.Namespace) -> int:
    from mdlearn.assignment import write

    path = write(options.chapter, options.out, points=options.points)
    print(
        f"{path}\nnext, in {options.out}: nbgrader generate_assignment {path.parent.name} --create"
    )
    return 0


def _run(template: Path, arguments: list[str]) -> int:
    parser = _run_parser(template)
    given, unknown = parser.parse_known_args(arguments)
    values = vars(given)
    own = {name: values.pop(name) for name in ("out", "sweep", "jobs", "dask")}
    for word in unknown:
        name = word.partition("=")[0].removeprefix("--").replace("-", "_")
        values[name] = None  # `run` names the nearest parameter
    if not own["sweep"]:
        run(template, values, own["out"])
        return 0
    varied = {}
    for text in own["sweep"]:
        name, equals, choices = text.partition("=")
        if not equals or not choices:
            raise ValueError(f"--sweep {text} must look like --sweep learning_rate=0.01,0.003")
        varied[name.replace("-", "_")] = choices
    return _sweep(template, values, varied, own)


def _sweep(template: Path, values: dict, varied: dict, own: dict) -> int:
    from mdlearn.sweep import combinations, sweep

    combinations(template, values, varied)  # a slip is told before a cluster is asked
    settings = {"out": own["out"], "workers": own["jobs"]}
    if own["dask"] is None:
        outcomes = sweep(template, values, varied, **settings)
    else:
        from dask.distributed import Client

        with Client(own["dask"]) as client:
            outcomes = sweep(template, values, varied, client=client, **settings)
    return int(any(outcome.error for outcome in outcomes))


def _run_parser(template: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"mdlearn run {template.stem}", description=_promise(template), allow_abbrev=False
    )
    add = parser.add_argument
    add("-o", "--out", default="runs", help="where the result folder is made [runs]")
    add(
        "--sweep",
        action="append",
        metavar="NAME=A,B,...",
        help="run once for each value; give it twice for all combinations",
    )
    add("-j", "--jobs", type=int, default=1, help="runs of a sweep side by side [1]")
    add("--dask", metavar="ADDRESS", help="of a dask scheduler for a sweep, instead of --jobs")
    for parameter in read_parameters(template).values():
        add(
            _option(parameter.name),
            dest=parameter.name,
            metavar=parameter.type.upper(),
            default=argparse.SUPPRESS,
            help=_help(parameter),
        )
    return parser


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


if __name__ == "__main__":
    sys.exit(main())
