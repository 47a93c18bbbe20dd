# On a fresh Debian or Ubuntu machine: git, make, Python 3.11 or later with venv.
PYTHON ?= python3
BIN := .venv/bin
LOCK := .ci/requirements.lock
READY := .venv/.ready
# Branch coverage; it only rises.
FLOOR := 91

# Tests mostly wait for servers: three of them at a time keep two cores busy, the longest first.
WORKERS ?= 3
SIDE_BY_SIDE := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# Thousands of interpreters are started: none shall compile all of drtool anew.
export PYTHONDONTWRITEBYTECODE :=
# Servers sync all the time: in memory, where there is plenty, no test waits for a disk.
test faults soak: export TMPDIR := $(or $(shell .ci/scratch),$(TMPDIR))
KINDS := tests/acceptance tests/faults tests/integration tests/unit

.PHONY: drill test tested-side-by-side bench drills faults soak lint docs docs-as-they-are servers clean

drill: $(READY)
	$(BIN)/drtool lab drill $(DRILL)

# What needs one core goes on beside what waits for servers; what is timed comes when all else is over.
test:
	@$(MAKE) --no-print-directory -j2 $(READY) servers
	@$(MAKE) --no-print-directory -j2 lint docs-as-they-are tested-side-by-side
	$(BIN)/coverage run -m pytest -m "alone and not slow_fault" $(TESTS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --skip-covered --fail-under=$(FLOOR)

tested-side-by-side: $(READY)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(SIDE_BY_SIDE) -m "not alone and not slow_fault" $(or $(TESTS),$(KINDS))

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/drtool lint runbooks

# The documentation as a site in .site, with the reference written anew from the code.
docs: $(READY)
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --config-file .ci/mkdocs.yml
	@echo "open .site/index.html"

docs-as-they-are: $(READY)
	$(BIN)/python docs/generate.py --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --config-file .ci/mkdocs.yml

# Every fault and lie of docs/reference/faults.md, or some: make faults FAULTS="F26-F29 L03"
FAULTS ?= all
faults: $(READY) servers
	$(BIN)/pytest tests/faults --faults "$(FAULTS)" $(TESTS)

# The drill ten times in a row, then once in each variation.
drills: $(READY) servers
	for n in 1 2 3 4 5 6 7 8 9 10; do echo "drill $$n of 10"; $(BIN)/drtool lab drill || exit 1; done
	$(BIN)/drtool lab drill --engine direct
	$(BIN)/drtool lab drill --prefect stop
	$(BIN)/drtool lab drill --prefect hang
	$(BIN)/drtool lab drill --servers system
	$(BIN)/drtool lab drill --servers system --dns bind --engine direct

# Sequences of crashes in memory, then failovers in one lab with a kill in each, then the engine
# killed at every crash point there. SOAK=n tries n sequences, and as many failovers in proportion.
SOAK ?= 20000
FAILOVERS ?= $(shell echo $$(( ($(SOAK) * 300 + 19999) / 20000 )))
soak: $(READY) servers
	SOAK_EXAMPLES=$(SOAK) $(BIN)/pytest tests/faults/test_any_sequence.py tests/faults/test_every_crash_point.py tests/faults/test_mutants.py
	$(BIN)/python tests/soak/failovers.py $(FAILOVERS) --json soak.json
	$(BIN)/python tests/soak/failovers.py --every 1/$(shell echo $$(( 20000 / $(SOAK) ))) --json soak-places.json

bench: $(READY)
	$(BIN)/python tests/benchmarks/run.py $(BENCH)

servers:
	@.ci/servers

$(READY): $(LOCK) pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing Python packages from the lock ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(LOCK)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf .venv .site .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
