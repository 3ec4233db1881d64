# Two commands do everything on a fresh machine: `make run` and `make test`.

BIN := .venv/bin
READY := .venv/.ready
# One more than there are cores: many tests wait for a server, a disk or a clock.
JOBS ?= $(shell python3 -c 'import os; print((os.cpu_count() or 1) + 1)')
# The tests start some hundred processes; each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check soak mutants bench bench-growth lock clean help

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

run: $(READY)  ## serve on this machine, with a demo enrolled
	$(BIN)/postern init --demo
	exec $(BIN)/postern serve --welcome

test: $(READY)  ## every test but the long ones, under five minutes
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

check: $(READY)  ## style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

soak: $(READY)  ## the long tests
	$(BIN)/python -m pytest -m soak --timeout 7200

mutants: $(READY)  ## break each barrier before a critical ticket in a copy, and see who notices
	$(BIN)/python -m tests.mutants

bench: $(READY)  ## measure against a bare sink and, where it is installed, Postfix
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.verification

bench-growth: $(READY)  ## measure whether a store with a million tickets is as fast as a new one
	$(BIN)/python -m tests.bench.growth

lock:  ## renew deploy/requirements.lock (needs uv)
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header --no-annotate --python-version 3.11 --group pyproject.toml:dev pyproject.toml \
	  -o deploy/requirements.lock

clean:  ## remove what was made here; var/ with its store stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): deploy/requirements.lock pyproject.toml deploy/venv.sh
	sh deploy/venv.sh
	@touch $@
