# Everything a person types. Each target says in `make help` what it does.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

STACK ?= dev
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CODE := __main__.py cluster_settings.py levels.py settings.py state_folder.py components engine launcher messaging policies
PYTEST := $(BIN)/pytest
# Where a Docker engine that these targets start keeps its data; empty for Docker's default.
DOCKER_DATA_ROOT ?=
# What `make reclaim` does with volumes: `yes` removes them with the data in them.
VOLUMES ?=

.DEFAULT_GOAL := help
.PHONY: help up destroy preview test parity test-long unit e2e check format docs images ready host lock reclaim clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ready ## from a fresh machine to a running platform (STACK=dev)
	@$(BIN)/pulumi stack select --create $(STACK) >/dev/null
	@$(BIN)/pulumi up --yes --stack $(STACK)

preview: ready ## what `make up` would change
	@$(BIN)/pulumi stack select --create $(STACK) >/dev/null
	@$(BIN)/pulumi preview --stack $(STACK)

destroy: $(VENV)/.installed ## remove the platform with its data
	@$(BIN)/pulumi destroy --yes --stack $(STACK)

reclaim: $(VENV)/.installed ## remove this stack's Docker objects that no state knows (VOLUMES=yes: with their data)
	@$(BIN)/messaging reclaim --yes --stack $(STACK) $(if $(filter yes,$(VOLUMES)),--volumes)

test: ready test-host ## every test that this machine can run
	@$(PYTEST) tests/unit tests/contracts tests/policies -m "not e2e and not parity" -n 2
	@$(PYTEST) tests -m "e2e and not (parity or long or whole_machine)" -n 3 --dist loadfile
	@$(PYTEST) tests -m "(parity or whole_machine) and not long"

parity: ready ## both engines side by side; needs a Pulumi CLI and its plugins on PATH (docs/parity.md)
	@$(PYTEST) tests/parity

test-long: ready test-host ## the long fault rounds besides
	@$(PYTEST) tests -m long

check: $(VENV)/.installed ## format, lint and types: what a change must pass before its tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

docs: $(VENV)/.installed ## write the documentation that follows from the stream catalogue
	@$(BIN)/messaging docs

format: $(VENV)/.installed ## put the code into the project's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only .

images: host $(VENV)/.installed ## build what has changed of the images, or choose the public ones
	@case "$$($(BIN)/python -m images source)" in local*) $(PYTHON) -m host packages images;; esac
	@$(BIN)/python -m images build

ready: images bytecode

host:
	@$(PYTHON) -m host packages
	@$(PYTHON) -m host docker start $(if $(DOCKER_DATA_ROOT),--data-root $(DOCKER_DATA_ROOT)) >/dev/null

.PHONY: test-host
test-host:
	@$(PYTHON) -m host packages tests || echo "going on without them: the tests that need them are skipped" >&2

# No address of any index enters a lock: a site's own pip settings decide where packages come from.
PIP_COMPILE = CUSTOM_COMPILE_COMMAND="make lock" PIP_FIND_LINKS= $(BIN)/pip-compile --quiet --generate-hashes --strip-extras \
	--allow-unsafe --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

# A virtual environment works in the one place that it was made for, which it notes. One that was moved or
# copied with its checkout is made anew, and so is one without pip: whoever made it was interrupted, or lacked
# a package.
ELSEWHERE := $(shell if cd ./$(VENV) >/dev/null 2>&1 && test -e .installed; then here="$$(pwd -P)/bin/python"; \
	if test -s .installed; then test "$$(cat .installed)" = "$$here"; else grep -qsF "$$here" bin/pulumi; fi \
	|| echo yes; fi)
ifneq ($(ELSEWHERE),)
.PHONY: $(VENV)/.installed
endif

# The lock files name every package with its hashes; the project itself is installed in place.
$(VENV)/.installed: requirements.lock requirements-dev.lock pyproject.toml
	@$(PYTHON) -m host packages
	@$(if $(ELSEWHERE),echo "this checkout was moved or copied: making $(VENV) anew" && rm -f $@)
	@$(if $(ELSEWHERE),,$(BIN)/python -m pip --version >/dev/null 2>&1 ||) $(PYTHON) -m venv --clear $(VENV)
	@echo "installing the locked Python packages into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@cd ./$(VENV) >/dev/null && echo "$$(pwd -P)/bin/python" > .installed

# Each command starts half a dozen Python processes. Where Python is told to keep no bytecode, each of them would
# compile all of the project again.
.PHONY: bytecode
bytecode: $(VENV)/.installed
	@$(BIN)/python -m compileall -q $(CODE)

lock: $(VENV)/.installed ## renew the lock files from pyproject.toml
	@$(PIP_COMPILE) --output-file requirements.lock pyproject.toml
	@$(PIP_COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

clean: ## remove the virtual environment and caches, not the platform
	rm -rf $(VENV) .cache build .mypy_cache .ruff_cache .pytest_cache *.egg-info
