# Needs nothing but Python 3.11 or newer, pip and make. Everything goes into .venv and the data folder.
#   make run PORT=8001 DATA=/some/folder    another port, another data folder (both reach main.py as environment)
#   make test ARGS="tests/domain -k window" some of the tests
#   make run PYTHON=python3.12              another interpreter for .venv

PYTHON ?= python3
ARGS ?=
PY := .venv/bin/python
STAMP := .venv/installed-from-lock
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The tests start hundreds of processes: what is compiled once, each of them only loads.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run day test lint check bench soak fmt lock

help: ## What can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'

run: $(STAMP) ## Everything up, with a demo business; Ctrl-C stops it (PORT=, DATA=)
	@exec $(PY) main.py dev

day: $(STAMP) ## A day of money over GraphQL, on its own port and data; fails unless the books agree
	@exec $(PY) -m sandbox.day $(ARGS)

test: $(STAMP) ## The tests, against real servers (ARGS= for some of them)
	@exec $(PY) -m pytest -n logical --maxprocesses 4 --dist loadfile $(ARGS)

lint: $(STAMP) ## Format, lint, types and import rules
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy .
	$(PY) -c 'import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())'

check: lint test ## lint, then test: what CI runs

bench: $(STAMP) ## The benchmarks, as ratios in one run
	@exec $(PY) -m benchmarks $(ARGS)

soak: $(STAMP) ## The faults, for as long as asked (ARGS="--minutes 10")
	@exec $(PY) -m tests.soak $(ARGS)

fmt: $(STAMP) ## Format and fix what can be fixed
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

lock: ## Resolve pyproject.toml anew into requirements.lock (needs uv)
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 -o requirements.lock

# Some systems ship venv without its bundled pip: then the interpreter's own pip installs into it.
$(STAMP): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is missing or older than 3.11: name another with PYTHON=" >&2; exit 1; }
	@echo "Building .venv from requirements.lock ..."
	@$(PYTHON) -m venv --clear .venv >/dev/null 2>&1 || $(PYTHON) -m venv --clear --without-pip .venv
	@if $(PY) -m pip --version >/dev/null 2>&1; then pip="$(PY) -m pip"; else pip="$(PYTHON) -m pip --python $(PY)"; fi; \
		$$pip install --quiet --require-hashes -r requirements.lock
	@touch $@
