# Two commands: `make lab` to learn, `make test` to check. `make` alone tells more.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help lab test environment lint laws notebooks browser pictures chromium readme links offline site clean-notebooks clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
PINS ?= binder/requirements.txt # what the chapters were run with; PINS= takes the newest of each range
LABFLAGS ?=
REPOSITORY ?=
CPU_INDEX := https://download.pytorch.org/whl/cpu
PAUSE ?= 20# seconds before what the network broke is done again
export PIP_RETRIES ?= 8

BIN := $(VENV)/bin
WHEELS := wheel --wheel-dir build/mdlearn/wheels -r build/pins.txt "hatchling>=1.27" editables
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH := $(shell sed -n 's/^torch==//p' binder/requirements.txt)
GPU := $(shell nvidia-smi -L 2>/dev/null | head -n 1)
ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo -n)
JOBS := $(shell { nproc || echo 2; echo 8; \
    awk '/^MemAvailable/ {print int($$2 / 1.5e6)}' /proc/meminfo; \
    awk '$$1 != "max" {print int($$1 / $$2 + 0.5)}' /sys/fs/cgroup/cpu.max; \
    awk '$$1 != "max" {print int($$1 / 1.5e9)}' /sys/fs/cgroup/memory.max; \
    } 2>/dev/null | sort -n | awk 'NR == 1 {print ($$1 > 1 ? $$1 : 1)}')# cores, if each has 1.5 GB
AGAIN := again() { for k in 1 2; do "$$@" && return; \
    echo "that failed; once more in $(PAUSE) s: $$*"; sleep $(PAUSE); done; "$$@"; }; again
APT := apt-get -qy -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest
SAY := @printf '\n\033[1m%s\033[0m\n'

help: ## what the commands do
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 26

lab: $(VENV)/.lab ## install everything on first use, then open JupyterLab on the first chapter
	@exec $(BIN)/jupyter lab $(if $(ROOT),,--allow-root) $(LABFLAGS) notebooks/00_start.ipynb

test: $(VENV)/.test ## install what the tests need on first use, then run all of them
	@$(MAKE) --no-print-directory --keep-going lint laws notebooks browser

environment: $(VENV)/.lab ## only the first half of `make lab`

lint: $(VENV)/.test ## format, rules, spelling
	$(SAY) "lint"
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell

laws: $(VENV)/.test ## the laws of the package, every shape checked
	$(SAY) "laws"
	$(PYTEST) -n $(JOBS) --dist loadgroup -m "not notebook and not browser"

notebooks: $(VENV)/.test ## every chapter still says what it says, every template runs
	$(SAY) "notebooks"
	$(PYTEST) -n $(JOBS) --dist load --maxschedchunk 1 -m notebook --durations 0 --durations-min 5

browser: $(VENV)/.test chromium ## every chapter, every widget and the site in headless Chromium
	$(SAY) "browser"
	$(PYTEST) -n $(JOBS) --dist loadgroup -m browser tests/browser --durations 0 --durations-min 5

pictures: $(VENV)/.test chromium ## photograph the main widget of every chapter for docs/static/chapters: a quarter of an hour
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.browser.pictures

readme: ## write the last run of the chapters into README.md
	$(BIN)/python tests/notebooks/readme.py --measured build/chapters
	PYTHONPATH=. $(BIN)/python tests/notebooks/plan.py
	$(BIN)/python -m benchmarks.chapters
	PYTHONPATH=. OMP_NUM_THREADS=1 $(BIN)/python -m tests.lessons.table

links: ## write your repository into all links: make links REPOSITORY=https://github.com/YOU/mdlearn
	@[[ "$(REPOSITORY)" =~ ^https://github.com/[^/]+/[^/]+$$ ]] || \
	    { echo "name it: make links REPOSITORY=https://github.com/YOU/mdlearn"; exit 1; }
	old=$$(sed -n 's|.*mybinder.org/v2/gh/\([^/]*/[^/]*\)/.*|\1|p' README.md | head -n 1); \
	    new=$(REPOSITORY:https://github.com/%=%); \
	    git grep -lF "$$old" | xargs sed -i "s|$$old|$$new|g"

offline: $(BIN)/python ## one zip with chapters and packages, for a room without a network
	rm -rf build/mdlearn && mkdir -p build/mdlearn/wheels dist
	git archive HEAD | tar x -C build/mdlearn
	sed '/^--/d' binder/requirements.txt > build/pins.txt # your own index first, as in $(VENV)/.torch
	$(PIP) $(WHEELS) || { $(AGAIN) $(PIP) $(WHEELS) --extra-index-url $(CPU_INDEX); }
	printf '%s\n' '#!/bin/sh' 'cd "$$(dirname "$$0")"' \
	    'PIP_NO_INDEX=1 PIP_FIND_LINKS="$$PWD/wheels" exec make lab' > build/mdlearn/lab
	chmod +x build/mdlearn/lab
	$(BIN)/python -c "import shutil; shutil.make_archive('dist/mdlearn-offline', 'zip', 'build', 'mdlearn')"
	@ls -lh dist/mdlearn-offline.zip

site: $(VENV)/.test ## all chapters as pages, built without a network; REPOSITORY=... adds Binder
	OMP_NUM_THREADS=1 $(BIN)/python -m docs.site.build --repository "$(REPOSITORY)"

clean-notebooks: ## strip run times, widget states and editor's marks from the notebooks
	$(BIN)/python tests/notebooks/clean.py

clean: ## remove the environment and everything built
	rm -rf $(VENV) build dist

# --- the environment, made once and again when its inputs change -----------------------------

$(BIN)/python:
	$(SAY) "a virtual environment in $(VENV)"
	@[ -n "$(PYTHON)" ] && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "mdlearn needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python"; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	    package=$$("$(PYTHON)" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	    echo "this Python cannot make environments; installing $$package"; \
	    { $(AGAIN) $(ROOT) $(APT) update && again $(ROOT) $(APT) install $$package; } || { \
	        echo "please run: sudo apt install $$package"; exit 1; }; }
	@"$(PYTHON)" -m venv $(VENV)

# A plain `pip install torch` brings 7 GB for NVIDIA GPUs. Without one, take the CPU build:
# from the index you have configured if it is there, else from PyTorch's own.
$(VENV)/.torch: binder/requirements.txt | $(BIN)/python
ifeq ($(GPU),)
	$(SAY) "PyTorch for the CPU"
	@if [ "$$(uname -s)" != Linux ]; then \
	    $(AGAIN) $(PIP) install "torch==$(firstword $(subst +, ,$(TORCH)))"; \
	elif $(PIP) install --quiet --dry-run --no-deps "torch==$(TORCH)" 2>/dev/null; then \
	    $(AGAIN) $(PIP) install "torch==$(TORCH)"; \
	else \
	    $(AGAIN) $(PIP) install "torch==$(TORCH)" --extra-index-url $(CPU_INDEX) || { \
	        echo "no CPU build of PyTorch within reach; to accept the GPU build (7 GB):"; \
	        echo "    $(PIP) install torch && touch $@ && make lab"; exit 1; }; \
	fi
else
	$(SAY) "PyTorch for $(GPU)"
	@$(AGAIN) $(PIP) install "torch==$(firstword $(subst +, ,$(TORCH)))"
endif
	@touch $@

$(VENV)/.pins: binder/requirements.txt | $(BIN)/python
	@sed '/^ *\(--\|#\|torch==\)/d' $(PINS) /dev/null > $@

$(VENV)/.lab: pyproject.toml $(VENV)/.torch $(VENV)/.pins
	$(SAY) "the package and what it stands on"
	@$(AGAIN) $(PIP) install --constraint $(VENV)/.pins --editable ".[labels]"
	@$(BIN)/python -c "import matplotlib.font_manager" # builds the font cache, once
	@touch $@

$(VENV)/.test: $(VENV)/.lab
	$(SAY) "what the tests need"
	@$(AGAIN) $(PIP) install --constraint $(VENV)/.pins --editable ".[labels,dev,docs]"
	@touch $@

chromium:
	@command -v chromium chromium-browser google-chrome > /dev/null || { \
	    echo "installing Chromium for the browser tests"; \
	    { $(AGAIN) $(ROOT) $(APT) update && again $(ROOT) $(APT) install --no-install-recommends chromium; } || { \
	        echo "please run: sudo apt install chromium"; exit 1; }; }
