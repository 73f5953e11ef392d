# Everything a developer or a newcomer runs. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := .venv/bin
PACKAGES := foundation devices telemetry services dealers web simulators millwright
SOURCES := $(PACKAGES) tests benchmarks hatch_build.py
DEMO ?=

.PHONY: help install system demo format check test bench audit constraints messages

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: .venv/.installed  ## Make .venv and install Millwright with its front end into it

FRONTEND := hatch_build.py $(wildcard web/frontend/*.*) $(shell find web/frontend/src -type f)

.venv/.installed: pyproject.toml constraints.txt $(FRONTEND)
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Millwright needs Python 3.11 to 3.13; this is {v[0]}.{v[1]}. Set PYTHON=/path/to/python3.11.")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python lacks venv. On Debian: apt-get install python3-venv"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

.venv/.developer: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

system:  ## Install the Debian packages that the whole test suite needs (as root)
	@deploy/install-test-servers

demo: install  ## Start the demo: one command, everything included (options: make demo DEMO="--port 8080")
	$(BIN)/millwright demo $(DEMO)

format: .venv/.developer  ## Format the sources
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

check: .venv/.developer  ## Static checks and unit tests, for every commit
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell $(PACKAGES) tests docs benchmarks README.md CHANGELOG.md CONTRIBUTING.md
	$(BIN)/djlint web/templates --lint --quiet
	$(BIN)/pytest -n 2 --dist loadfile -q -m "not (broker or e2e or postgresql or public_data)"

test: system check  ## Everything: static checks, unit, broker, PostgreSQL and browser tests
	FUZZ_EXAMPLES=10000 $(BIN)/pytest -q --timeout 600 tests/contracts/test_wire_formats.py -k "any_bytes or any_pieces"
	$(BIN)/pytest -n 2 --dist loadfile -q -m "broker or e2e or postgresql or public_data"

bench: .venv/.developer  ## Measure; prints a table and writes benchmarks/results/*.json
	$(BIN)/python -m benchmarks

audit: .venv/.developer  ## Look for known faults in what we use, list licences, write the list of parts (SBOM)
	$(BIN)/python -m pip install --quiet pip-audit
	$(BIN)/python deploy/audit.py

constraints: .venv/.developer  ## Renew constraints.txt after a change of dependencies
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-annotate --no-header --extra dev --output-file constraints.txt pyproject.toml

messages: .venv/.developer  ## Bring the catalogues of all languages up to the texts of templates and code
	$(BIN)/pybabel -q extract --ignore-dirs ".*" -F web/babel.ini --no-location --sort-output --omit-header \
		-k Invalid -k Conflict -k Forbidden -k NotFound -k Unavailable -o .venv/messages.pot web foundation devices telemetry services dealers
	for language in zh ko; do \
		$(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete --omit-header -l $$language \
			-i .venv/messages.pot -o web/translations/$$language/LC_MESSAGES/messages.po || exit 1; \
	done
