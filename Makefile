# make repro: rebuild every result. make test: the test suite. Both install what they need first.

SHELL := /bin/sh
.DEFAULT_GOAL := repro
INSTALLED := .venv/.installed
IN_VENV := PATH="$(CURDIR)/.venv/bin:$$PATH"

.PHONY: repro test verify lint bench lock install help

repro: install ## rebuild every result, print the tables and say where the report is
	@$(IN_VENV) dvc repro
	@$(IN_VENV) python -m stages readme
	@$(IN_VENV) python -m stages show

test: install ## run the test suite
	@$(IN_VENV) python -m pytest

verify: install ## compare fresh metrics with the committed ones
	@$(IN_VENV) python -m stages verify

lint: install ## check style
	@$(IN_VENV) ruff check && $(IN_VENV) ruff format --check

bench: install ## compare speed with named peers
	@$(IN_VENV) python -m pytest tests/benchmarks --benchmark-only --benchmark-enable

install: ## make the virtual environment
	@sh .ci/install

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile
