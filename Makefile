# Two commands do everything on a machine with Python, git and make: `make demo` and `make test`.
PYTHON ?= python3
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint bench clean
.DELETE_ON_ERROR:

$(VENV)/demo.stamp: pyproject.toml
	@echo "Installing nbdeploy into $(VENV) (one to three minutes the first time) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/test.stamp: pyproject.toml
	@echo "Installing nbdeploy and what its tests need into $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/demo.stamp

demo: $(VENV)/demo.stamp ## declare, validate, sign off, deploy, roll back: on real data, in about two minutes
	@$(BIN)/nbdeploy demo $(DEMO)

test: $(VENV)/test.stamp ## every test; the browser tests need Debian's chromium (see CONTRIBUTING.md)
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(TESTS)

lint: $(VENV)/test.stamp
	@$(BIN)/ruff format --check src tests
	@$(BIN)/ruff check src tests
	@$(BIN)/mypy

bench: $(VENV)/test.stamp ## ratios against peers, measured in the same run
	@set -e; for script in tests/benchmarks/*.py; do echo; echo "== $$script"; $(BIN)/python "$$script"; done

clean:
	@rm -rf $(VENV) build dist demo
