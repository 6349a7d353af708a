# The two commands are `make search` and `make test`; each makes what it needs.
#
#   make search ARGS="grammar=polygons workers=4"    any setting of the command
#   make test                                        ruff, mypy, pytest without the slow ones
#   make test-slow                                   the slow ones, the notebooks among them
#   make bench                                       how fast the languages and the learners are, and two peers
#   make bench-gpu                                   populations on a GPU, where there is one
#   make compare                                     the tables of searchers and of the ladder, made or read
#   make lint                                        ruff and mypy alone
#   make clean                                       removes the environment and the caches, never runs/
#
# PYTHON=/path/to/python chooses the interpreter, VENV=folder where the environment goes.

VENV ?= .venv
ARGS ?= grammar=dots

# The first interpreter that runs, is at least 3.11 and can make an environment.
PROBE = import sys, venv, ensurepip; raise SystemExit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	if "$$p" -c '$(PROBE)' >/dev/null 2>&1; then echo "$$p"; break; fi; done)

PIP_INSTALL = $(VENV)/bin/python -m pip install --disable-pip-version-check --quiet -c constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help search test test-slow bench bench-gpu compare lint clean

help:
	@sed -n 's/^#   //p' Makefile

$(VENV)/bin/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or newer with its venv module is needed (Debian: apt install python3-venv)," \
			"or name one: make PYTHON=/path/to/python" >&2; exit 1; fi
	"$(PYTHON)" -m venv "$(VENV)"

# A stamp per set of packages: the installation is repeated only when what it reads has changed.
$(VENV)/.stamp-run: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/.stamp-test: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP_INSTALL) -e '.[dashboard,cluster,test,dev]'
	@touch $@ $(VENV)/.stamp-run

$(VENV)/.stamp-slow: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP_INSTALL) -e '.[dashboard,cluster,notebooks,test,dev]'
	@touch $@ $(VENV)/.stamp-test $(VENV)/.stamp-run

search: $(VENV)/.stamp-run
	$(VENV)/bin/python -m study.search $(ARGS)

lint: $(VENV)/.stamp-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# One process per core, each of one thread.
test: lint
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n auto --dist loadfile

test-slow: $(VENV)/.stamp-slow
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -m slow

bench: $(VENV)/.stamp-run
	OMP_NUM_THREADS=1 $(VENV)/bin/python tests/bench/languages.py
	OMP_NUM_THREADS=1 $(VENV)/bin/python tests/bench/measures.py
	OMP_NUM_THREADS=1 $(VENV)/bin/python tests/bench/learners.py
	OMP_NUM_THREADS=1 $(VENV)/bin/python tests/bench/population.py

bench-gpu: $(VENV)/.stamp-run
	OMP_NUM_THREADS=1 $(VENV)/bin/python tests/bench/population.py

# What is in the data is read; without it this takes hours.
compare: export PYTHONPATH = .
compare: export OMP_NUM_THREADS = 1
compare: $(VENV)/.stamp-run
	$(VENV)/bin/python tests/tables/searchers.py machine --seeds 10 --data study/results/searchers
	$(VENV)/bin/python tests/tables/searchers.py conv --seeds 5 --searchers genetic tpe random iid --data study/results/searchers
	$(VENV)/bin/python tests/tables/searchers.py polygons --seeds 5 --searchers genetic tpe random iid --data study/results/searchers
	$(VENV)/bin/python tests/tables/searchers.py region --seeds 5 --searchers genetic "genetic, words only" random iid --data study/results/searchers
	$(VENV)/bin/python tests/tables/searchers.py region --seeds 10 --first-seed 10 --evaluations 200 --searchers genetic iid --data study/results/searchers
	$(VENV)/bin/python tests/tables/searchers.py region --seeds 10 --first-seed 20 --evaluations 200 --searchers genetic iid --data study/results/searchers
	$(VENV)/bin/python tests/tables/ladder.py conv --seeds 2 --first-seed 1 --evaluations 160 --data study/results/ladder
	$(VENV)/bin/python tests/tables/ladder.py zeros --evaluations 60 --data study/results/ladder

clean:
	rm -rf "$(VENV)" .venv-bench build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
