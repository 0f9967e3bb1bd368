# What can be done here: `make` lists it. It needs git, Python 3.11, make and a C compiler; the rest is set up.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: bench check-golden-path demo docs e2e golden help lint lock setup test test-full test-quick tools

PYTHON ?= python3.11
# One more than the cores: tests wait for the API server, for Git and for locks.
JOBS ?= 3
BIN := .venv/bin
# uv as pyproject.toml requires it; it is installed into .venv and takes Python from there.
UV_VERSION := $(shell sed -n 's/^required-version = "==\(.*\)"/\1/p' pyproject.toml)
UV := UV_PYTHON_DOWNLOADS=never $(BIN)/uv
PYTEST := $(BIN)/pytest --numprocesses $(JOBS) --dist worksteal
MODULE := PYTHONPATH=tests:tools $(BIN)/python -m

##@ Start

help: ## Show what can be done
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' Makefile

setup: .venv/ready ## Make .venv with everything that uv.lock names

.venv/ready: pyproject.toml uv.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	$(UV) sync --quiet --locked --compile-bytecode
	touch $@

demo: setup ## Render the default application into build/demo, look at it and check it
	$(MODULE) support.demo build/demo

##@ Prove

tools: setup ## Build Helm, kubectl, kube-apiserver and the other tools (once, into a cache)
	$(BIN)/python tools/toolbox.py build
	$(BIN)/python tools/toolbox.py assets

test: tools ## Run the tests
	$(PYTEST)

test-quick: tools ## Run the tests that take seconds
	$(PYTEST) -m "not slow"

test-full: tools ## Run the tests with twice the random answers
	$(PYTEST) --hypothesis-profile full

e2e: setup ## Run the generated applications on a real cluster: KUBECONFIG_FILE=… IMAGE_COMMAND=…, or MINICLUSTER=…; ONLY=TOPICS
	$(MODULE) e2e.$(if $(MINICLUSTER),minicluster "$(MINICLUSTER)",run \
	  --kubeconfig "$(or $(KUBECONFIG_FILE),$(error set KUBECONFIG_FILE, see tests/e2e/run.py))" --image-command "$(IMAGE_COMMAND)") \
	  $(foreach topic,$(ONLY),--only $(topic))

check-golden-path: setup ## Check golden-path.yml, as every copy and update does
	$(BIN)/python tools/golden_path.py

bench: setup ## Compare the CPU of copies and updates with that of a one-file copy: OPTIONS=--instructions
	PYTHONPATH=tests $(BIN)/python benchmarks/copy_ratio.py $(OPTIONS)

##@ Change

golden: setup ## Render the repositories in tests/golden anew; look at the difference before you commit
	$(MODULE) support.golden

docs: tools ## Write the generated pages of docs and golden-path.schema.json anew
	$(BIN)/python tools/golden_path.py --schema
	$(BIN)/python tools/question_reference.py
	$(MODULE) examples

lint: tools ## Check this repository's own code and configuration
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python tools/question_reference.py --check
	$(MODULE) examples --check
	$(BIN)/yamllint --strict .
	tools=$$($(BIN)/python tools/toolbox.py bin-dir); $$tools/actionlint
	$(BIN)/zizmor --offline --quiet .

lock: setup ## Bring uv.lock up to date with pyproject.toml
	$(UV) lock
