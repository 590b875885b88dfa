# One job a target; `make help` lists them. Everything runs in .venv, which `make setup` makes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo tour run test screenshots year model stress bench contract check

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

setup: $(READY) ## make .venv with enroll-token and the tools in it (needs Python 3.11 or newer)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "enroll-token needs Python 3.11 or newer: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

demo: $(READY) ## use all of it in a browser, without any account (FRESH=1 begins anew)
	@$(BIN)/python -m tests.sandbox demo $(if $(FRESH),--fresh)

tour: $(READY) ## walk through a token's year in the terminal (a minute), without any account
	$(BIN)/python -m tests.sandbox tour

run: $(READY) ## run the bot with the settings of the environment and .env
	$(BIN)/enroll-token serve

test: $(READY) ## run every test, on every core
	$(BIN)/pytest --numprocesses auto --dist loadfile

screenshots: $(READY) ## take the demo's main screens anew, into docs/screenshots (needs chromium and an emoji font)
	$(BIN)/python -m tests.browser.screenshots

year: $(READY) ## live a year of reminders minute by minute (a quarter of an hour), into docs/reminders.md
	$(BIN)/python -m tests.services.year --write
	$(BIN)/python -m tests.services.year --minutes --write

model: $(READY) ## run requests against their model for 50,000 steps, into docs/approvals.md
	$(BIN)/python -m tests.services.requests_model
	RACES=1000 $(BIN)/pytest tests/services/test_requests_model.py -k simultaneous

bench: $(READY) ## measure starts, memory, syncs and answers (some minutes), into docs/benchmarks.md
	$(BIN)/python -m tests.bench --write

stress: $(READY) ## post 2,000 messages over 4 processes that are killed, into docs/reliability.md
	$(BIN)/python -m tests.stress --write

# npm installs Prism into a folder of its own, once.
PRISM := .contract/node_modules/.bin/prism
$(PRISM):
	npm install --silent --no-fund --no-audit --prefix .contract @stoplight/prism-cli@5.14.2

contract: $(READY) ## judge calls to Intune by Microsoft's own description (GRAPH_OPENAPI=FILE; needs npm)
	@test -n "$(GRAPH_OPENAPI)" || { echo 'Say where the description is: make contract GRAPH_OPENAPI=FILE'; exit 2; }
	@$(MAKE) --silent $(PRISM)
	$(BIN)/python -m tests.contract "$(GRAPH_OPENAPI)" $(PRISM) --write

check: $(READY) ## look at style, types and architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
