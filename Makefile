# On a fresh machine two commands are enough: `make run` and `make test`.

BIN := .venv/bin
READY := .venv/.ready
# Two more than the number of cores: many tests wait for a server, a disk or a clock.
JOBS ?= $(shell python3 -c 'import os; print((os.cpu_count() or 1) + 2)')
# How many times as many examples of a property as in `make test`.
TIMES ?= 50
# The tests start hundreds of processes; without cached bytecode each would compile every module.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check soak soak-properties mutants bench bench-growth bench-lists bench-attacks fuzz fidelity screens lock clean help

help:  ## print this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

run: $(READY)  ## serve on this machine, with demo users
	$(BIN)/postern init --demo
	exec $(BIN)/postern serve --welcome

test: $(READY)  ## run every test except the long ones (eight to twelve minutes on 2 cores)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -rfEs

check: $(READY)  ## check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

soak: $(READY)  ## kill, stop and starve servers for under 20 minutes; prints a table; KILLS=15
	$(BIN)/python -m pytest -m soak tests/faults

soak-properties: $(READY)  ## run properties, state machines and scenarios for hours; TIMES=50
	EXAMPLES_TIMES=$(TIMES) $(BIN)/python -m pytest -n $(JOBS) --timeout 3600 -m "hypothesis and not soak"
	$(BIN)/python -m pytest -m soak tests/properties tests/acceptance tests/bench

mutants: $(READY)  ## break each barrier against critical tickets, and each promise of the presets, in a copy
	$(BIN)/python -m tests.mutants
	$(BIN)/python -m tests.mutants --rows

fuzz: $(READY)  ## generate dialogues, mails, From fields and requests for ten minutes; FUZZ="--seed 1"
	$(BIN)/python -m tests.fuzz $(FUZZ)

fidelity: $(READY)  ## how faithfully the mails beside the project are read, and those in FIDELITY_DIR
	$(BIN)/python -m tests.fidelity

screens: $(READY)  ## take a picture of every page and mail in all shapes, into var/screens; SCREENS="held tickets"
	$(BIN)/python -m tests.screens var/screens $(SCREENS)

bench: $(READY)  ## measure against a minimal SMTP server and, where they are installed, Postfix and Haraka
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.verification

bench-growth: $(READY)  ## compare a store of a million tickets with a new one
	$(BIN)/python -m tests.bench.growth

bench-lists: $(READY)  ## time every list and every page with a million tickets, on both stores
	$(BIN)/python -m tests.bench.lists

bench-attacks: $(READY)  ## measure how long an honest client waits while each of ten attacks runs
	$(BIN)/python -m tests.bench.attacks

lock:  ## update deploy/requirements.lock (needs uv)
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header --no-annotate --python-version 3.11 --group pyproject.toml:dev pyproject.toml \
	  -o deploy/requirements.lock

clean:  ## remove generated files; var/ with its store stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): deploy/requirements.lock pyproject.toml deploy/venv.sh
	sh deploy/venv.sh
	@touch $@
