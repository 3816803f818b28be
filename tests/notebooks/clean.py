"""Take out of the notebooks what is neither text, code nor output, so that a rerun is a small diff.

    python tests/notebooks/clean.py [--check] [NOTEBOOK ...]

Without names, all notebooks of the repository. With --check it writes nothing and fails on a dirty one.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

WIDGET = "application/vnd.jupyter.widget-view+json"  # its state is gone with the kernel
METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def cleaned(text: str) -> str:
    """The notebook with only what belongs in it, written as Jupyter writes it."""
    notebook = json.loads(text)
    notebook.update(metadata=METADATA, nbformat=4, nbformat_minor=5)
    for number, cell in enumerate(notebook["cells"]):
        source = "".join(cell["source"])
        name = hashlib.sha256(f"{number} {source}".encode()).hexdigest()[:8]
        cell.setdefault("id", name)
        cell["metadata"] = {
            key: value for key, value in cell["metadata"].items() if key in ("tags", "jupyter")
        }
        if cell["cell_type"] == "code":
            cell["outputs"] = [_cleaned(output) for output in cell["outputs"] if _stays(output)]
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _stays(output: dict) -> bool:
    return set(output.get("data", [None])) != {WIDGET}


def _cleaned(output: dict) -> dict:
    if "data" not in output:
        return output
    data = {kind: content for kind, content in output["data"].items() if kind != WIDGET}
    about = {kind: value for kind, value in output["metadata"].items() if kind in data}
    return output | {"data": data, "metadata": about}


def main() -> int:
    """Clean or check the notebooks named; 1 if a check fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a dirty one")
    options = parser.parse_args()
    folder = Path(__file__).parents[2] / "notebooks"
    dirty = 0
    for path in options.notebooks or sorted(folder.rglob("*.ipynb")):
        text = path.read_text(encoding="utf-8")
        if (clean := cleaned(text)) == text:
            continue
        dirty += 1
        if options.check:
            print(f"{path} is not clean: run `make clean-notebooks`")
        else:
            path.write_text(clean, encoding="utf-8")
            print(f"cleaned {path}")
    return int(options.check and dirty > 0)


if __name__ == "__main__":
    sys.exit(main())
