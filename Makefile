# Kept to GNU make 3.81, which macOS ships.

# Naming a shell makes old makes run every line through it, and so find programs on the PATH exported here.
SHELL := /bin/bash
# A shell over SSH does not know Homebrew's folders, nor the uv that setup may put into this folder.
export PATH := $(PATH):/opt/homebrew/bin:/usr/local/bin:$(HOME)/.local/bin:$(CURDIR)/.venv-uv/bin
# Compiled modules are kept: without them each of the many processes compiles the program again.
unexport PYTHONDONTWRITEBYTECODE
UV ?= uv
# Compares rates, so that nothing else may run beside it.
MEASURED := tests/faults/test_network_number.py

MEDIA := tests/core/media tests/core/tasks tests/core/derivatives

.PHONY: run demo test test-new-tools quick lint bench faults screenshots setup setup-test

run: setup
	@$(UV) run --no-sync lading $(ARGS)

demo: setup
	@$(UV) run --no-sync lading demo

# Four at a time on two cores: many tests wait for a clock or another process.
test: setup-test lint
	$(UV) run --no-sync pytest --numprocesses 4 --dist worksteal $(ARGS)

# What the media tests say with a current exiftool and FFmpeg, where the system's are older; Homebrew has such ones.
test-new-tools: setup-test
	@UV="$(UV)" .ci/new-tools
	LADING_NEW_TOOLS="$(CURDIR)/.new-tools/bin" $(UV) run --no-sync pytest tests/core/media/test_new_tools.py
	PATH="$(CURDIR)/.new-tools/bin:$(PATH)" $(UV) run --no-sync pytest $(MEDIA) --numprocesses 2 --dist worksteal $(ARGS)

# The pure tests: those that start no process and draw no screen.
quick: setup
	$(UV) run --no-sync pytest --numprocesses 2 --dist worksteal -m "not process and not terminal" $(ARGS)

lint: setup
	$(UV) run --no-sync ruff check
	$(UV) run --no-sync ruff format --check
	$(UV) run --no-sync mypy
	$(UV) run --no-sync lint-imports

bench: setup
	$(UV) run --locked --group bench python -m tests.benchmarks $(ARGS)

faults: setup-test
	$(UV) run --no-sync pytest tests/faults --numprocesses 3 --dist worksteal --ignore $(MEASURED) $(ARGS)
	$(UV) run --no-sync pytest $(MEASURED)
	LADING_FUZZ=20 $(UV) run --no-sync pytest tests/core/fuzz --numprocesses 2 --dist worksteal

# With Chromium and pdftoppm (apt-get install chromium poppler-utils); looks best with the font Fira Code
# (apt-get install fonts-firacode, brew install font-fira-code).
screenshots: setup
	$(UV) run --no-sync python -m tests.screenshots

setup:
	@UV="$(UV)" .ci/setup

setup-test:
	@UV="$(UV)" .ci/setup test
