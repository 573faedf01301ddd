# Everything sets itself up: a bare clone, Python 3.11 and pip are enough (uv is used when present).
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(shell command -v uv 2>/dev/null)
ifeq ($(UV),)
  INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
else
  INSTALL = $(UV) pip install --quiet --python $(BIN)/python
endif
WORKERS ?= 2

.PHONY: demo test test-all check bench faults format lock clean

demo: $(VENV)/.demo
	$(BIN)/mlmcsc demo --output demo-output

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow"

test-all: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# Faults injected into the kernel's answers, by strace; an hour or more. See docs/reliability.md.
faults: $(VENV)/.dev
	$(BIN)/python tests/faults/programme --record

format: $(VENV)/.dev
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

# The dev environment holds the demo's packages too, so either stamp serves `make demo`.
$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL) -r requirements/demo.txt
	$(INSTALL) --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL) -r requirements/dev.txt
	$(INSTALL) --no-deps -e .
	@touch $@ $(VENV)/.demo

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# Exact versions for every Python >= 3.11 and platform; needs uv.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements/base.txt
	uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --extra demo -o requirements/demo.txt
	uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --extra demo --extra postgres --extra ome \
	  --group dev -o requirements/dev.txt

clean:
	rm -rf $(VENV) demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
