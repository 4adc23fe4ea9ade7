# Everything runs in .venv, which is made when it is missing.
PYTHON ?= python3
VENV ?= .venv

.PHONY: demo test lint types docstrings bench clean

demo: $(VENV)/has-demo
	$(VENV)/bin/python examples/plot_digits_pipeline.py

test: $(VENV)/has-test
	$(VENV)/bin/python -m pytest

lint: $(VENV)/has-lint
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/has-types
	$(VENV)/bin/mypy

docstrings: $(VENV)/has-docstrings
	$(VENV)/bin/python .ci/docstrings.py

bench: $(VENV)/has-bench
	$(VENV)/bin/python benchmarks/bench_denoising.py
	$(VENV)/bin/python benchmarks/bench_trees.py

$(VENV)/has-demo: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install -qq -e ".[examples]"
	touch $@

# The package with one of the dependency groups of pyproject.toml, by its name.
# pip reads groups since 25.1; a new environment often has an older one.
$(VENV)/has-%: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install -qq "pip>=25.1"
	$(VENV)/bin/python -m pip install -qq -e . --group $*
	touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("sk_autoenc needs Python 3.11 or newer, this is " \
	  + sys.version.split()[0] + ": make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) .venv-ci .tox build dist *.egg-info
