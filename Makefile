# Every target makes the environment .venv first (.ci/bootstrap), from nothing but Python 3.10, 3.11 or 3.12.
# PYTHON=… names the Python to use, ARGS=… is passed on: make test ARGS="-k vocab", make repro ARGS=FAMILY/ROW

.DEFAULT_GOAL := repro
.PHONY: help venv repro test verify rebuild spot-check same-numbers bench faults lint lock

# The environment's python is the one that `dvc` finds for the stages. The search for a base Python must not see it,
# so this is no global export. Variables that would lead it to other packages are dropped.
unexport PYTHONPATH PYTHONHOME
ifdef PYTHON
export PYTHON
endif
run = PATH="$(CURDIR)/.venv/bin:$$PATH" python

help: ## Print this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1	\2/p' Makefile
	@echo 'PYTHON=/path/to/python3.12 names the Python to use; ARGS=… is passed on'

venv: ## Make or renew .venv from requirements.lock
	@.ci/bootstrap

repro: venv ## Obtain the data, bring every result up to date, print the tables and say where the report is (default)
	@$(run) -m stages repro $(ARGS)
	@$(run) -m stages readme
	@$(run) -m stages show

test: venv ## Run the test suite
	@$(run) -m pytest $(ARGS)

verify: venv ## Compare the metrics with the references; fail if one left its band
	@$(run) -m stages verify $(ARGS)

rebuild: venv ## Run every stage anew, whatever is there or in the cache
	@$(run) -m stages repro --force $(ARGS)

spot-check: venv ## Retrain one seed of as many rows as fit in ten minutes, in memory
	@$(run) -m stages spot-check $(ARGS)

same-numbers: venv ## Prove that the code changes no number since BASE, and record that instead of training again
	@$(run) -m stages same-numbers --base $(or $(BASE),HEAD) $(ARGS)

bench: venv ## Time layers and losses against their peers
	@$(run) -m pytest tests --benchmark-only -o addopts= $(ARGS)

faults: venv ## Kill, cut, fill and break the rebuild of a small project in every way; some minutes
	@$(run) -m tests.faults $(ARGS)

lint: venv ## Check style, formatting, and dvc.yaml files for DVC's traps
	@$(run) -m ruff check .
	@$(run) -m ruff format --check .
	@$(run) -m stages lint

lock: venv ## Write requirements.lock anew from pyproject.toml; ARGS=--upgrade takes the newest versions
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && \
	$(run) -m pip install -q --target "$$tools" uv && \
	"$$tools/bin/uv" pip compile -q --universal --python-version 3.10 --fork-strategy fewest --generate-hashes \
		--no-annotate --custom-compile-command "make lock" --group dev pyproject.toml -o requirements.lock $(ARGS)
