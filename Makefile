# `make` without a target lists the targets. Targets that need .venv create it.

PYTHON ?=
PY := .venv/bin/python
SNAKEMAKE := $(PY) -m snakemake

.PHONY: help demo test coverage lint docs bench
.DEFAULT_GOAL := help

help:
	@echo "make demo    set up .venv, run the demo grid on simulated corpora, build the report"
	@echo "make test    set up .venv, run every test that this machine can run"
	@echo "make coverage  run the tests and report which lines of spcl they execute"
	@echo "make lint    set up .venv, check format, style, types and the workflow"
	@echo "make docs    set up .venv, build the documentation into site/"
	@echo "make bench   set up .venv, measure speed and memory (benchmarks/README.md)"
	@echo "PYTHON=/path/to/python3.12 chooses the Python of .venv"

demo: .venv/installed
	$(SNAKEMAKE) --cores all
	@$(MAKE) --silent results/report.zip
	@echo
	@cat results/tables/demo/main.md
	@echo
	@echo "Tables:  results/tables/demo/"
	@echo "Figures: results/figures/demo/"
	@echo "Report:  results/report.zip (unzip it and open report/report.html)"

# Called by demo after the tables and figures exist, so that make compares their time stamps.
results/report.zip: $(wildcard results/tables/demo/* results/figures/demo/* workflow/report/*)
	$(SNAKEMAKE) --quiet all --report $@

# One process more than cores, up to four: some tests wait, those on SLURM for minutes.
test coverage: .venv/installed
	OMP_NUM_THREADS=1 $(PY) -m pytest --dist loadfile --no-loadscope-reorder \
	  -n $$($(PY) -c 'import os; print(min(os.cpu_count() + 1, 4))') $(COVERAGE)

# Tests of pure Python take half as long again when their lines are counted.
coverage: COVERAGE = --cov --cov-report=term:skip-covered

lint: .venv/installed
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	.venv/bin/snakefmt --check Snakefile workflow
	$(PY) -m mypy
	$(SNAKEMAKE) --lint

# Quiet options would hide the warnings that --strict turns into errors. The variable turns off a notice
# about the future of MkDocs.
docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict
	@echo "Open site/index.html; for its search: $(PY) -m http.server --directory site"

# Variables of make become options: make bench BASELINES=mmgcn DEVICE=cuda
BENCH = PARTS BASELINES SHAPES MODALITIES DEVICE THREADS EPOCHS EVERY AGAINST \
  REFERENCE_PYTHON
bench: .venv/installed
	$(PY) -m benchmarks $(foreach name,$(BENCH),\
	  $(if $($(name)),--$(shell echo $(name) | tr A-Z_ a-z-)="$($(name))"))

.venv/installed: requirements.lock pyproject.toml
	@set -e; \
	for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	    2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "error: found no Python 3.11, 3.12 or 3.13; install one or run: make PYTHON=/path/to/it"; \
	  exit 1; \
	fi; \
	if ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "error: $$found lacks its venv module; install it, on Debian: apt install python3-venv"; \
	  exit 1; \
	fi; \
	echo "Installing requirements.lock into .venv with $$found (once; a few minutes) ..."; \
	$$found -m venv .venv; \
	$(PY) -m pip install --quiet -r requirements.lock; \
	$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
