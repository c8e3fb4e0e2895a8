# `make demo` and `make test` need Python 3.11, make and git; everything else comes from requirements-dev.lock.
PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: demo test check lock clean
.DELETE_ON_ERROR:

demo: .venv
	$(BIN)/carillon demo

test: .venv
	$(BIN)/pytest

check: .venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# One lock file, hashes and all: a fresh machine gets the same set. The project itself is linked, not copied.
.venv: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch .venv

# Resolves anew, names no index. Needs uv.
lock:
	uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra dev pyproject.toml -o requirements-dev.lock
	uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --constraint requirements-dev.lock pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
