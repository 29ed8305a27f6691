# Every command of the project. `make` prints this list from the ## comments.
.DEFAULT_GOAL := help
VENV ?= $(or $(TAPEHUB_VENV),.venv)
BIN := $(VENV)/bin
UV_LOCK := uv pip compile pyproject.toml --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --custom-compile-command "make lock"

.PHONY: help setup run stop status fix check unit test docs bench replay-check kill-check chaos fuzz hostile-check soak join-check board-check lock vendor screenshots clean guardian-check multihost

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make the virtual environment with everything for development
	@./scripts/test --version

run: ## run the default system in the foreground
	@./scripts/run

stop: ## stop the running system
	@$(BIN)/tapehub down

status: ## every process: state, heartbeat age, rate, lag, memory
	@$(BIN)/tapehub status

fix: setup ## format, and repair what the linter can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

check: setup ## linter, types, layers, unit and docs tests: seconds
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy
	@$(BIN)/python -m pytest tests/unit tests/docs

unit: setup ## unit tests alone
	@$(BIN)/python -m pytest tests/unit

test: ## everything, as continuous integration does: minutes
	@./scripts/test

docs: setup ## write docs/configuration.md from the settings again
	@./scripts/make-docs

bench: setup ## every promise of speed and size beside what one would use instead: 20 minutes, wants a quiet machine
	@./scripts/bench

replay-check: ## FILE=recording: hub against recording through the whole system
	@./scripts/replay-check $(FILE)

kill-check: ## kill -9 each actor in turn, print the seconds until data is fresh again
	@./scripts/kill-check

guardian-check: setup ## the guardian under fire, beside supervisord alone: many minutes, wants a quiet machine
	@./scripts/guardian-check

chaos: setup ## the whole system under faults, compared with the simulator's truth: minutes
	@./scripts/chaos

fuzz: setup ## ten million wrong inputs to every socket and route: an hour
	@./scripts/fuzz --sockets

hostile-check: setup ## hostile clients against the running system, a good engine beside them: minutes
	@./scripts/hostile-check

soak: setup ## an hour at 20,000 events a second: memory, files, latency, losses
	@./scripts/soak
multihost: setup ## three hosts in network namespaces: links cut and slow, hosts killed (wants root); minutes
	@./scripts/multihost

board-check: setup ## a writer without a pause, readers beside it: no read is torn; minutes
	@./scripts/board-check

join-check: setup ## join a lossy bus to its journal 100,000 times: 0 lost, 0 doubled; minutes
	@./scripts/join-check

lock: ## write requirements*.txt again from pyproject.toml (needs uv)
	$(UV_LOCK) -o requirements.txt
	$(UV_LOCK) --group dev -c requirements.txt -o requirements-dev.txt

vendor: ## take the dashboard's libraries anew, at the versions of scripts/vendor/package.json (needs npm)
	@./scripts/vendor-assets

screenshots: setup ## take the pictures of the README anew (needs Chromium)
	@./scripts/screenshots

clean: ## remove caches and the virtual environment; the run directory var/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
