# Everything runs in .venv, which is made when it is missing.
PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= test,lint

.PHONY: demo test lint bench clean

demo: $(VENV)/installed
	# One thread: numpy's and scipy's BLAS pools, alternating, slow each other down.
	OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python examples/plot_digits_pipeline.py

test: $(VENV)/installed
	$(VENV)/bin/python -m pytest

lint: $(VENV)/installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

bench: $(VENV)/installed
	$(VENV)/bin/pip install -q --disable-pip-version-check ".[bench]"
	$(VENV)/bin/python benchmarks/bench_denoising.py
	$(VENV)/bin/python benchmarks/bench_trees.py

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -q --disable-pip-version-check -e ".[$(EXTRAS)]"
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
