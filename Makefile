# Everything sets itself up: a virtual environment in .venv/, from the lock.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 3000
DASHBOARD_PORT ?= 8501

.PHONY: help run ui dashboard download test faults lint format bench bench-refresh bench-rows bench-million bench-scale bench-offers bench-peers lock clean

help: ## Show this help.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

run: .venv/ready ## Label the customers of all months of the input, and say what came out.
	@$(BIN)/customer-segments run

ui: .venv/ready ## Serve the Dagster UI on 127.0.0.1 (PORT=3000).
	@$(BIN)/customer-segments ui --port $(PORT)

dashboard: .venv/ready-dashboard ## Serve the segments as pages to look through on 127.0.0.1 (DASHBOARD_PORT=8501).
	@$(BIN)/customer-segments dashboard --port $(DASHBOARD_PORT)

download: .venv/ready ## Fetch UCI's Online Retail II into data/source/.
	@$(BIN)/customer-segments download

test: .venv/ready-dev ## Run all tests.
	$(BIN)/pytest

faults: .venv/ready-dev ## Kill runs 200 times and writes to a lake 100 times, fill disks, read 10,000 bad files, replay two years.
	$(BIN)/python -m customer_segments_tests.faults
	$(BIN)/python -m customer_segments_tests.faults --lake --kills 100
	$(BIN)/python -m customer_segments_tests.hostile --inputs 10000
	$(BIN)/pytest -n 0 -m slow
	$(BIN)/pytest -m "hypothesis and not slow" --hypothesis-profile=long

lint: .venv/ready-dev ## Check style, format and types.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: .venv/ready-dev ## Mend style and format.
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: .venv/ready-dev ## Time the run against a notebook-style script, on the same input.
	$(BIN)/python -m benchmarks.bench

bench-refresh: .venv/ready-dev ## Time a new month against a full run, with 1, 10 and 50 old workbooks.
	$(BIN)/python -m benchmarks.refresh

bench-rows: .venv/ready-dev ## Time the ingestion of ten million rows, in one file and in fifty.
	$(BIN)/python -m benchmarks.rows

bench-million: .venv/ready-dev ## Time the evidence for the number of clusters on a million customers.
	$(BIN)/python -m benchmarks.million

bench-scale: .venv/ready-dev ## Time the whole run with 1 and 10 million rows (ROWS=100000000 for more).
	$(BIN)/python -m benchmarks.scale $(ROWS)

bench-offers: .venv/ready-dev ## Time offers in a shop with 100,000 products.
	$(BIN)/python -m benchmarks.offers

bench-peers: .venv/ready-dev ## Time cleaning and RFM at ten million rows against polars.
	$(BIN)/python -m benchmarks.peers

lock: .venv/ready-dev ## Write the lock anew from pyproject.toml.
	$(BIN)/uv pip compile pyproject.toml $(LOCK) -o requirements.txt
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra dashboard -c requirements.txt -o requirements-dashboard.txt
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra team -c requirements.txt -o requirements-team.txt
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra dev -c requirements-dashboard.txt -o requirements-dev.txt
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-strip-extras \
	--custom-compile-command "make lock"

clean: ## Remove the virtual environment and Dagster's state; data stays.
	rm -rf .venv .dagster data/sample/.dagster

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || { \
		echo "Python 3.11 to 3.14 is needed, and $(PYTHON) is not one:" \
			"name one with 'make PYTHON=python3.12 ...'."; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "Python's venv module is needed (Debian: python3-venv)."; exit 1; }

.venv/ready: requirements.txt pyproject.toml | .venv/bin/python
	@echo "Setting up .venv/ from requirements.txt ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/ready-dashboard: requirements-dashboard.txt .venv/ready
	@echo "Setting up .venv/ from requirements-dashboard.txt ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dashboard.txt
	@touch $@

.venv/ready-dev: requirements-dev.txt .venv/ready
	@echo "Setting up .venv/ from requirements-dev.txt ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
