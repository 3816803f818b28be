"""The runner of chapters catches what it is there to catch, on notebooks of two cells."""

import ast
import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebooks.runner import execute
from tests.notebooks.test_chapters import CHAPTERS

pytestmark = pytest.mark.notebook

CLAIM = """
import json, os
with open(os.environ["MDLEARN_METRICS"], "a") as file:
    print(json.dumps({"name": "two", "value": 2, "holds": HOLDS}), file=file)
"""
LOOPBACK = """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).close()
"""
OUTSIDE = """
import socket, urllib.request
for call in (
    lambda: urllib.request.urlopen("http://example.org"),
    lambda: socket.create_connection(("192.0.2.1", 80), timeout=2),
):
    try:
        call()
    except OSError:
        pass
"""
HOG = """
import subprocess, sys
hog = "import time; x = b'x' * 400_000_000; time.sleep(1)"
_ = subprocess.run([sys.executable, "-c", hog])
"""
BUSY = """
import time
end = time.process_time() + 2
while time.process_time() < end:
    pass
"""
PLACE = """
import os, sys
print("busy", file=sys.stderr)
print(len(os.sched_getaffinity(0)), os.environ["OMP_NUM_THREADS"])
"""


@pytest.fixture
def write(tmp_path: Path):
    def write(*sources: str, stdout: str | None = None) -> Path:
        """A notebook; `stdout` pretends that its last cell has printed that."""
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        notebook = nbformat.v4.new_notebook(cells=cells)
        if stdout is not None:
            for count, cell in enumerate(cells, 1):
                cell.execution_count = count
            cells[-1].outputs = [nbformat.v4.new_output("stream", name="stdout", text=stdout)]
        path = tmp_path / "01_tiny.ipynb"
        nbformat.write(notebook, path)
        return path

    return write


def test_a_good_notebook_passes_and_is_measured(write, tmp_path):
    run = execute(write(LOOPBACK, CLAIM.replace("HOLDS", "True"), PLACE, stdout="1 1\n"), tmp_path)
    assert run.faults() == []
    assert run.claims == [{"name": "two", "value": 2, "holds": True}]
    assert 0.3 < run.cpu_seconds < run.seconds + 1
    assert 30 < run.peak_mb < 300  # a kernel without torch
    run.save(tmp_path / "build")
    assert json.loads((tmp_path / "build/01_tiny.json").read_text())["peak_mb"] == run.peak_mb


def test_stale_output_a_false_claim_and_the_network_are_caught(write, tmp_path):
    false = CLAIM.replace("HOLDS", "False")
    run = execute(write(OUTSIDE, false, "1 / 0", "print('4 meV')", stdout="3 meV\n"), tmp_path)
    stale, network, claim = run.faults()
    assert "ZeroDivisionError" in stale and "4 meV" in stale
    assert network == "asked the network for 192.0.2.1, example.org"
    assert claim == "claim does not hold: two"


def test_time_and_memory_over_the_budget_are_caught(write, tmp_path):
    time, memory = execute(write(HOG, BUSY), tmp_path).faults(max_cpu=2, max_memory=350)
    assert "CPU s, the budget is 2" in time
    assert "MB, the budget is 350" in memory


def test_a_kernel_that_imports_what_any_chapter_imports_is_small(write, tmp_path):
    lines = set()
    for chapter in CHAPTERS:
        for cell in nbformat.read(chapter, as_version=4).cells:
            here = cell.cell_type == "code" and "colab" not in cell.metadata.get("tags", [])
            tree = ast.parse(cell.source if here else "")
            imports = [
                node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)
            ]
            lines |= {ast.unparse(node) for node in imports}
    assert {"import torch", "import matplotlib.pyplot as plt"} <= lines
    run = execute(write("\n".join(sorted(lines)), "import time\ntime.sleep(1)"), tmp_path)
    assert run.faults(max_memory=400) == []  # MB, so that a gigabyte leaves room for data
    assert run.peak_mb > 200


def test_run_then_clean_twice_gives_the_same_bytes(write):
    from tests.notebooks.clean import cleaned

    path = write("import matplotlib.pyplot as plt", "print(1)\n2")
    texts = []
    for _ in range(2):
        notebook = nbformat.read(path, as_version=4)
        NotebookClient(notebook, kernel_name="python3", startup_timeout=300).execute()
        nbformat.write(notebook, path)
        texts.append(cleaned(path.read_text()))
        path.write_text(texts[-1])
    assert texts[0] == texts[1]
    assert "execution_count" in texts[0] and "iopub" not in texts[0]
