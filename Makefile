# `make run` serves the product, `make test` tests it. Both set up what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export FLASK_APP := wsgi
export PORT ?= 8000
PROCESSES ?= 3
unexport PYTHONDONTWRITEBYTECODE  # compiling anew takes a fifth of each process's start

.PHONY: run test check format lint types layers bench docs clean

run: $(VENV)/.runtime  ## Serve on $$PORT; DEMO=1 loads sample data first
	@$(BIN)/flask serve $(if $(DEMO),--demo)

test: $(VENV)/.dev  ## All tests; ARGS are passed on to pytest
	$(BIN)/pytest -n $(PROCESSES) $(ARGS)

check: format lint types layers test  ## What every commit must pass

format: $(VENV)/.dev
	$(BIN)/ruff format --check .

lint: $(VENV)/.dev
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

layers: $(VENV)/.dev  ## Who may import whom
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.dev  ## Measure; prints the tables of docs/performance.md
	$(BIN)/python -m bench $(ARGS)

docs: $(VENV)/.dev  ## Write the generated parts of the docs anew
	$(BIN)/python -m docs.generate

$(VENV)/.runtime: requirements.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Tracker needs Python 3.11 or newer"'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Tracker needs Python 3.11 or newer"'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.runtime

clean:  ## Remove what the other targets made; instance/ with the data stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
