# `make demo` and `make test` need Python 3.11, make and git; everything else comes from requirements-dev.lock.
PYTHON ?= $(shell command -v python3.11 || echo python3)
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet install

.PHONY: demo test check chaos lock clean .venv

demo: .venv
	$(BIN)/carillon demo

# A file's tests stay together: they share servers.
test: .venv
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

check: .venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

.venv: .venv/complete

# One lock file, hashes and all: a fresh machine gets the same set. The project itself is linked, not copied.
.venv/complete: requirements-dev.lock pyproject.toml
	@echo "Making the environment in .venv; this takes a minute."
	$(PYTHON) -m venv .venv
	$(PIP) --require-hashes --requirement requirements-dev.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# Everything goes wrong for some minutes, and then every calendar must equal its timetable. CHAOS_MINUTES and
# CHAOS_PEOPLE may be set as well; the laws are tried with more examples than in `make test`.
CHAOS_SEED ?= $(or $(SEED),1)
chaos: .venv
	CHAOS_SEED=$(CHAOS_SEED) PYTHONPATH=tests $(BIN)/python -m chaos
	CARILLON_LAWS=laws-chaos CHAOS_SEED=$(CHAOS_SEED) $(BIN)/pytest -q tests/laws

# Resolves anew, names no index. Needs uv.
lock:
	uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra dev pyproject.toml -o requirements-dev.lock
	uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --constraint requirements-dev.lock pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
