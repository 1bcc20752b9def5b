# What one types here. The building itself is CMake's: see CMakePresets.json.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
prefix ?= $(PREFIX)
SOAK_RUNS ?= 2000
SOAK_SECONDS ?= 86400
SOAK_LOAD_SECONDS ?= 600

# Everything that is worth keeping between clones; keyed by content, so it may be shared and deleted.
TRUNKLINE_CACHE ?= $(if $(HOME),$(HOME)/.cache/trunkline,$(CURDIR)/.cache)
export TRUNKLINE_CACHE
export CCACHE_DIR := $(TRUNKLINE_CACHE)/ccache
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
# The clone's path stands in this option; what it maps does not depend on it.
export CCACHE_IGNOREOPTIONS := -ffile-prefix-map=*
export CCACHE_MAXSIZE ?= 2G
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help setup build demo test check soak bench install clean format abi-baseline symbols

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing (Debian 12)
	@tools/setup.sh

build: ## the library, the command line and the examples, in build/
	@cmake --preset release --log-level=WARNING
	cmake --build --preset release -j$(JOBS) --target product

demo: setup build ## run the example agent and show its trace
	@tools/demo.sh

test: setup ## the tests, on a release build
	@tools/phases.py test

check: setup ## sanitizers, static analysis, format, header, symbols, includes, ABI, packaging
	@tools/phases.py check

soak: setup build ## for a day: kill -9 at random, the fault tests in their whole size, steady and full load
	cmake --build --preset release -j$(JOBS)
	@if [[ -x build/bin/kill9 ]]; then build/bin/kill9 --runs $(SOAK_RUNS); fi
	TRUNKLINE_TEST_WHOLE=1 ctest --test-dir build -L faults -E soak -j$(JOBS) --output-on-failure --no-tests=error
	build/bin/soak --seconds $(SOAK_LOAD_SECONDS) --rate 0 --address-space 512
	build/bin/soak --seconds $(SOAK_SECONDS) --rate 1000
	ctest --test-dir build -L 'faults|conformance' --repeat until-fail:10 -j$(JOBS) --output-on-failure --no-tests=error

bench: setup build ## the benchmarks
	cmake --build --preset release -j$(JOBS)
	python3 bench/run.py
	python3 bench/mlflow.py
	python3 bench/wandb.py

install: build ## into DESTDIR and prefix (/usr/local)
	cmake --install build --prefix $(prefix) --strip

format: ## clang-format, in place
	@tools/check_format.sh --fix

abi-baseline: build ## accept the ABI as it is now
	tools/check_symbols.sh --update
	tools/abi_gate.py update

symbols: ## accept the functions that the header declares
	tools/check_symbols.sh --update

clean: ## remove what was built
	rm -rf build build-*
