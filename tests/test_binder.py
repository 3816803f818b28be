"""Binder takes `binder/` as it is meant, as its own builder says (no Docker is needed for that)."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_binder_would_build_what_the_folder_says():
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    told = ran.stdout + ran.stderr
    assert ran.returncode == 0, told[-2000:]
    version = (ROOT / "binder/runtime.txt").read_text().strip().removeprefix("python-")
    assert f"Building conda environment for python={version}" in told
    steps = [
        r'pip install --no-cache-dir -r "binder/requirements.txt"',
        r"^COPY .*src/ \$\{REPO_DIR\}",  # after pip, so that a commit does not reinstall everything
        r"^RUN \./binder/postBuild$",
        r"^ENV R2D_ENTRYPOINT=.*binder/start",
    ]
    places = [re.search(step, told, re.M) for step in steps]
    assert all(places), [step for step, place in zip(steps, places, strict=True) if not place]
    starts = [place.start() for place in places]
    assert starts == sorted(starts), "Binder takes the steps in another order"
    apt = ROOT / "binder/apt.txt"
    for package in apt.read_text().split() if apt.is_file() else []:
        assert re.search(rf"^\s+{re.escape(package)} ", told, re.M), package


def test_the_badge_opens_the_first_chapter_in_lab():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (place,) = re.findall(r"badge_logo\.svg\)\]\(https://mybinder\.org/v2/gh/([^)]+)\)", readme)
    repository, _, path = place.partition("/HEAD?urlpath=lab/tree/")
    assert repository.endswith("/mdlearn") and path == "notebooks/00_start.ipynb"
    assert (ROOT / path).is_file()
