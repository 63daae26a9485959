# What a newcomer, a developer and the CI call. `make` alone lists it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON := .venv/bin/python
CHECK_TOOL := $(PYTHON) -m tools.check
READY := build/stamps/python

.PHONY: help demo up down status test test-unit bench race fuzz lint format types imports protos \
	protos-check reference lock screenshots clean setup

##@ Start here
help: ## Show what there is
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  %-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo

demo: $(READY) ## Set up, start everything, play the town live (CHECK=1: assert each step, then stop)
	@$(PYTHON) -m demo $(if $(CHECK),--check)

setup: $(READY) ## Make .venv from the pinned requirements (the others do it when needed)
	@:

##@ Run
up: $(READY) ## Start the platform and leave it running
	@$(PYTHON) -m deploy.local up

down: $(READY) ## End every process of the platform
	@$(PYTHON) -m deploy.local down

status: $(READY) ## Show each process: pid, address, ready, memory, restarts
	@$(PYTHON) -m deploy.local status

##@ Test
test: $(READY) ## Run all that CI runs: lint, types, imports, contracts, every test
	@$(CHECK_TOOL)

test-unit: $(READY) ## Run the tests that need no server
	@$(CHECK_TOOL) unit

bench: $(READY) ## Measure, baselines in the same run (ONLY=name, FULL=1)
	@$(PYTHON) -m tests.performance $(if $(ONLY),--only $(ONLY)) $(if $(FULL),--full)

race: $(READY) ## Say no while prompts go out, under kills and freezes (SEED=n, MUTANT=M3: be caught)
	@$(PYTHON) -m tests.race $(if $(SEED),--seed $(SEED)) $(if $(MUTANT),--mutant $(MUTANT))

fuzz: $(READY) ## Send the door what nobody would: the decoders for 60 s (FOR=600), then HTTP
	@$(PYTHON) -m pytest -q tests/fuzz --fuzz-seconds $(or $(FOR),60)

##@ Change
lint: $(READY) ## Check style and formatting of Python and contracts
	@$(CHECK_TOOL) lint format-check buf-lint

format: $(READY) ## Format Python, and mend what can be mended
	@.venv/bin/ruff check -q --fix-only . && .venv/bin/ruff format .

types: $(READY) ## Check types
	@$(CHECK_TOOL) types

imports: $(READY) ## Check who may import whom
	@$(CHECK_TOOL) imports

protos: $(READY) ## Generate the Python stubs of the contracts
	@$(PYTHON) tools/generate_protos.py

protos-check: $(READY) ## Check that stubs and reference are current and no contract was broken
	@$(CHECK_TOOL) stubs reference asyncapi buf-lint buf-breaking

reference: $(READY) ## Generate docs/reference from the contracts
	@$(PYTHON) -m tools.generate_reference

screenshots: $(READY) ## Take the README's pictures from a running demo (needs chromium)
	@$(PYTHON) -m tools.screenshots

lock: ## Pin every dependency by hash again (UPGRADE=1: newest versions)
	@tools/lock

clean: ## End the platform and remove all that was made
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m deploy.local down; fi
	@rm -rf build .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# ---------------------------------------------------------------- what the others stand on
$(READY): requirements-dev.txt requirements-bootstrap.txt tools/bootstrap pyproject.toml
	@tools/bootstrap
	@mkdir -p $(@D) && touch $@
