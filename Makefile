# Everything runs in .venv, which is made when it is missing.
PYTHON ?= python3
VENV ?= .venv

.PHONY: demo test lint bench clean

demo: $(VENV)/has-examples
	# One thread: numpy's and scipy's BLAS pools, alternating, slow each other down.
	OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python examples/plot_digits_pipeline.py

test: $(VENV)/has-test
	$(VENV)/bin/python -m pytest

lint: $(VENV)/has-lint
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

bench: $(VENV)/has-bench
	$(VENV)/bin/python benchmarks/bench_denoising.py
	$(VENV)/bin/python benchmarks/bench_trees.py

# The package with one of its extras, by the names of pyproject.toml.
$(VENV)/has-%: pyproject.toml
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -q --disable-pip-version-check -e ".[$*]"
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
