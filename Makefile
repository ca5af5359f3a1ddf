# Everything a new machine needs beside Python 3.11 and make is installed by these recipes.

PYTHON ?= python3
BIN := .venv/bin
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

.PHONY: run install dev check test lint types contracts bench mutants soak lock clean chromium peers

run: .venv/.installed            ## the product with a demo app on http://127.0.0.1:3000
	$(BIN)/tocsin up --demo

install: .venv/.installed        ## virtual environment and frontend bundle
	$(BIN)/python -m console.build

dev: .venv/.dev                  ## hot reload: pages on :3000, API on :8000
	$(BIN)/reflex run

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev
	$(BIN)/mypy

contracts: .venv/.dev
	$(BIN)/lint-imports

check: lint types contracts      ## what to run while working (under a minute): the rules and the rooms, on SQLite
	$(BIN)/python -m pytest -q -m "not slow and not e2e and not postgres" -n 2 tests/domain tests/services tests/console tests/test_architecture.py

test: lint types contracts chromium peers  ## everything
	$(BIN)/python -m pytest -m "not e2e" -n 3 --dist worksteal --durations=20
	$(BIN)/python -m pytest -m e2e

bench: .venv/.dev                ## long measurements, outside the suite
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	$(BIN)/tocsin bench
	$(BIN)/python -m tests.bench

mutants: .venv/.dev              ## small mistakes in the rules of who gets what and when: how many do the tests notice
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-mutants.lock
	$(BIN)/python -m tests.mutants

soak: .venv/.dev                 ## the promises on trial, an hour and a half; results are dated into the README
	$(BIN)/python -m tests.soak

lock:                            ## after a change of pyproject.toml; needs uv
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --extra dev pyproject.toml -o requirements-dev.lock
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 -c requirements-dev.lock pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 -c requirements-dev.lock --extra bench pyproject.toml -o requirements-bench.lock
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 -c requirements-dev.lock --extra mutants pyproject.toml -o requirements-mutants.lock

chromium:                        ## the browser that the end-to-end tests drive
	@if [ -z "$(CHROMIUM)" ]; then \
		if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
			apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium fonts-liberation fonts-noto-color-emoji; \
		else echo "Chromium is not installed; the end-to-end tests will say so"; fi; \
	fi

peers:                           ## other people's HTTP/2 servers, which the transport is tried against
	@if ! command -v nginx >/dev/null || ! command -v node >/dev/null || ! command -v nghttpd >/dev/null; then \
		if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
			apt-get update -qq && apt-get install -qq -y --no-install-recommends nginx-light nodejs nghttp2-server; \
		else echo "nginx, node or nghttpd is not installed; the transport's tests will say so"; fi; \
	fi

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: .venv/bin/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

.venv/.dev: .venv/bin/python requirements-dev.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@ .venv/.installed

clean:                           ## removes what was built; your data stays
	rm -rf .venv .web frontend .mypy_cache .ruff_cache .pytest_cache
