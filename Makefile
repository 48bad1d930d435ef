# Two commands for newcomers: `make demo` and `make test`. Everything they need they bring.
# PYTHON picks the interpreter that the environment is made with; PYTEST_ARGUMENTS go to pytest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGUMENTS ?=
# The lock files name everything; older pips would still look for a newer release of what is named with extras, and refuse it.
INSTALL := $(BIN)/python -m pip install -q --no-deps
LOCK := $(BIN)/uv pip compile -q --universal --generate-hashes --no-annotate --python-version 3.11 --no-header

.PHONY: help demo test check lint types contracts surfaces bench lock dist clean parts

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.base ## publish three images to a directory, age them, clean up, write reports: no docker, registry or account needed
	$(BIN)/python -m demo

test: $(VENV)/.dev parts ## set up docker engine, registries and browser where possible, and pass all tests
	$(BIN)/coverage erase
	$(BIN)/pytest --cov --cov-report= $(PYTEST_ARGUMENTS)
	@$(BIN)/coverage report

parts: $(VENV)/.dev
	$(BIN)/python -m tests.provision

check: lint types contracts surfaces ## lint, types, import contracts, rendered surfaces

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

surfaces: $(VENV)/.dev
	$(BIN)/python -m moorage.surfaces --check

bench: $(VENV)/.dev parts ## measure; figures go to bench/results
	$(BIN)/python -m bench

lock: $(VENV)/.dev ## pin every dependency anew, with hashes
	$(LOCK) --group backend -o requirements/backend.txt
	$(LOCK) pyproject.toml -o requirements/base.txt
	$(LOCK) pyproject.toml --extra all -o requirements/all.txt
	$(LOCK) pyproject.toml --extra all --group dev -o requirements/dev.txt

dist: $(VENV)/.dev ## sdist and wheel
	$(BIN)/python -m build --no-isolation

clean:
	rm -rf $(VENV) dist build demo-out .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) requirements/environment.py $(VENV)

$(VENV)/.base: $(VENV)/bin/python requirements/backend.txt requirements/base.txt pyproject.toml
	@[ -e $(VENV)/.dev ] || $(INSTALL) --require-hashes -r requirements/backend.txt -r requirements/base.txt
	@[ -e $(VENV)/.dev ] || $(INSTALL) --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python requirements/dev.txt pyproject.toml
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@$(INSTALL) --no-build-isolation -e .
	@$(BIN)/python -m pip check
	@touch $@
