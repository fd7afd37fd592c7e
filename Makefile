# `make help` lists the targets. VENV may name another folder, in or outside the tree; WORKERS is how many tests run at once.
VENV ?= .venv
WORKERS ?= 2
PYTHON ?= python3.11
BIN := $(VENV)/bin
export OMP_NUM_THREADS ?= 2
export TOKENIZERS_PARALLELISM := false
export HF_HUB_OFFLINE ?= 1

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.installed: requirements.lock pyproject.toml
	@echo "Setting up $(VENV): some minutes, and some 6 GB on Linux"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

.PHONY: setup
setup: $(VENV)/.installed ## make the environment, with what requirements.lock names

.PHONY: models
models: setup ## pull the two local models of the demo and the tests (1.6 GB, once)
	$(BIN)/ted models pull qwen2.5-coder-0.5b qwen2.5-coder-1.5b

.PHONY: demo
demo: models ## distil the example and measure what it brings, with real local models
	$(BIN)/ted demo

.PHONY: test
test: models ## all tests, those with real local models included
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile

.PHONY: test-postgres
test-postgres: models ## all tests that have a store, with it in PostgreSQL
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --store postgres tests/bank tests/flows tests/api tests/cli

.PHONY: browser
browser: setup ## the dashboard in the Chromium of the system, with screenshots in artifacts/screenshots
	$(BIN)/python -m pytest -q -m browser tests/browser

.PHONY: soak
soak: setup ## the long tests: distillations killed twenty and thirty times, many more made-up requests (minutes)
	$(BIN)/python -m pip install --quiet --no-build-isolation -e '.[examples]'
	$(BIN)/python -m pytest -q -s -m soak tests/soak
	FUZZ_EXAMPLES=200 $(BIN)/python -m pytest -q tests/fuzz/test_service.py

.PHONY: results
results: models ## measure the examples with the real local models into docs/results.md (hours; what is kept is not measured again)
	$(BIN)/python -m examples.results

.PHONY: bench
bench: setup ## ours beside named peers, written to docs/benchmarks.md (a quarter of an hour, on an idle machine)
	$(BIN)/python -m benchmarks --write docs/benchmarks.md

.PHONY: bench-quick
bench-quick: setup ## the same with fewer repetitions, printed only
	$(BIN)/python -m benchmarks --quick

.PHONY: check
check: lint types contracts test ## what CI runs: format, lint, types, import contracts, tests

.PHONY: format
format: setup ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: lint
lint: setup ## format and lint, checked
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

.PHONY: types
types: setup ## mypy --strict
	$(BIN)/python -m mypy

.PHONY: contracts
contracts: setup ## the floors, as import contracts
	$(BIN)/lint-imports

.PHONY: lock
lock: ## write requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --extra local --extra otel --extra dev --generate-hashes --python-version 3.11 \
	  --python-platform x86_64-manylinux_2_28 --no-header --no-annotate -o requirements.lock
