# SPDX-License-Identifier: AGPL-3.0-only
# The only commands of this repository; CI calls the same ones. `make` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

PYTHON ?= python3
ARGS ?=
export VIRTUAL_ENV := $(CURDIR)/.venv
export PATH := $(VIRTUAL_ENV)/bin:$(PATH)

DEVICE ?= cpu
# of_package,NAME: what the package was configured with.
of_package = $$(sed -n 's/^$(1):[^=]*=//p' build/dev/CMakeCache.txt)
BENCH_BUILD := build/bench$(if $(filter cuda,$(DEVICE)),-cuda)

# One build folder for the package and its C++ tests, so that llama.cpp is compiled once.
PIP_BUILD := --no-build-isolation -C build-dir=build/dev -C cmake.define.SENTIRIC_TESTS=ON
SOURCES := $(shell find cpp python/sentiric_llama vendor -path vendor/llama.cpp -prune -o -name '.*' -prune \
             -o -name __pycache__ -prune -o -path '*/rpc/generated' -prune -o -type f -print) CMakeLists.txt LICENSE NOTICE README.md \
             python/CMakeLists.txt python/compile_proto.py
PROTO := python/sentiric_llama/rpc/generated/__init__.py
STUBS := build/stub/_core.pyi build/stub/_host.pyi
AJV := tests/grammar/node_modules/.package-lock.json
CLIENTS := build/clients-venv $(if $(shell command -v npm),tests/clients/node_modules/.package-lock.json)
CPP := $(shell find cpp tests/cpp benchmarks -name '*.cpp' -o -name '*.h')

# pip_install,keys: installs the requirement list found under these keys of pyproject.toml.
pip_install = python -c 'import sys, tomllib; t = tomllib.load(open("pyproject.toml", "rb")); \
  [t := t[key] for key in sys.argv[1:]]; print(*t, sep="\n")' $(1) | python -m pip install -q -r /dev/stdin

help:  ## list the commands
	@sed -nE 's/^([a-z -]+):[^#]*## (.*)/\1\t\2/p' Makefile | expand -t 15

run: .venv/.package  ## build and serve the built-in guide; make run ARGS="org/repo --contexts 8"
	@exec sentiric-llama serve $(ARGS)

install: .venv/.package  ## build and install the package into .venv

test: test-core test-native test-python  ## all tests

test-core: .venv/.build  ## C++ logic and engine loop, without llama.cpp
	cmake --preset core --log-level=WARNING && cmake --build --preset core && ctest --preset core

test-native: .venv/.package .venv/.test  ## C++ tests over llama.cpp
	cmake --build --preset dev
	ctest --preset dev

# A file's tests stay together, because they share engines and servers; two files run at a time.
test-python: .venv/.package .venv/.test $(if $(shell command -v npm),$(AJV))  ## pytest over the installed package; ARGS="-k name -n 0"
	python -m pytest -n 2 --dist loadfile $(ARGS)

# The end-to-end tests start servers with an engine process. With the engine inside the server: those
# with the mark both_modes, or all with MARK=.
test-inprocess: export SENTIRIC_TEST_ISOLATION := inprocess
test-inprocess: MARK ?= both_modes
test-inprocess: .venv/.package .venv/.test  ## end-to-end tests with the engine inside the server; MARK= for all
	python -m pytest tests/e2e -n 2 --dist loadfile $(if $(MARK),-m $(MARK)) $(ARGS)

test-llama: export SENTIRIC_CPU_KERNELS := llama
test-llama: .venv/.package .venv/.test  ## tests of the engine with llama.cpp's products where ours are
	cmake --build --preset dev
	ctest --preset dev -R native_tests
	python -m pytest tests/python/engine $(ARGS)

lint: lint-style lint-types lint-stub lint-cpp  ## style, types, the extension modules' stubs, locks in C++

lint-style: .venv/.lint
	ruff check . && ruff format --check .
	@clang-format --dry-run -Werror $(CPP)

lint-types: .venv/.package .venv/.lint $(PROTO)
	mypy && mypy examples

# Over what the package's build compiled; clang reads gcc's commands.
lint-cpp: .venv/.package .venv/.lint
	python .ci/lint_cpp.py build/dev

lint-stub: $(STUBS)
	for stub in $(notdir $^); do \
	  diff -u python/sentiric_llama/$$stub build/stub/$$stub || { echo "run: make stub"; exit 1; }; \
	done

lint-workflow: .venv/.workflow  ## .github/workflows, with actionlint; not part of lint, because pip fetches it from GitHub
	actionlint

stub: $(STUBS)  ## write the stubs of the extension modules anew
	cp $^ python/sentiric_llama/

format: .venv/.lint  ## let ruff and clang-format rewrite the sources
	ruff check --fix . && ruff format .
	clang-format -i $(CPP)

coverage: coverage-core coverage-python  ## line coverage of Python and C++, as HTML in build/coverage

coverage-core: .venv/.build .venv/.coverage
	cmake --preset coverage --log-level=WARNING && cmake --build --preset coverage && ctest --preset coverage
	gcovr --root . --filter cpp/ --object-directory build/coverage --print-summary \
	  --html-details build/coverage/cpp.html --xml build/coverage/cpp.xml

coverage-python: .venv/.package .venv/.test .venv/.coverage
	python -m pytest tests/python --cov=sentiric_llama --cov-report=term:skip-covered \
	  --cov-report=html:build/coverage/python --cov-report=xml:build/coverage/python.xml $(ARGS)

asan tsan: .venv/.build  ## logic and engine loop under AddressSanitizer + UBSan, under ThreadSanitizer
	cmake --preset $@ --log-level=WARNING && cmake --build --preset $@ && ctest --preset $@

asan-llama: .venv/.build  ## all C++ tests with llama.cpp under AddressSanitizer + UBSan, an hour
	cmake --preset $@ --log-level=WARNING && cmake --build --preset $@ && ctest --preset $@

nightly: override MARK :=
nightly: test test-inprocess test-llama fuzz schemas tools clients lm-eval contract kills asan tsan asan-llama  ## all that is tested, with what is too long for CI

fuzz: export SENTIRIC_TEMPLATES := 50000
fuzz: .venv/.package  ## 50 000 random chat templates
	cmake --build --preset dev
	build/dev/tests/cpp/backend/backend_tests JinjaFuzz

schemas: .venv/.package .venv/.test $(AJV)  ## 20 000 random schemas against two validators, 25 minutes; needs node
	PYTHONPATH=tests python -m grammar.with_model 20000 $(ARGS)
	PYTHONPATH=tests python -m grammar 20000 --jobs 2 $(ARGS)

tools: .venv/.package .venv/.test  ## calls of tools in every format with 100 random schemas each, 15 minutes
	PYTHONPATH=tests python -m answers.with_model 100 $(ARGS)

# On an environment of their own: what they need does not fit together with what the package needs.
clients: .venv/.package .venv/.test $(CLIENTS)  ## SDKs, frameworks, Claude Code and Codex against a scripted model, 10 minutes; ARGS="-k codex"
	build/clients-venv/bin/python -m pytest -c tests/clients/pytest.ini tests/clients $(ARGS)

lm-eval: .venv/.package .venv/.test build/lm-eval-venv  ## lm-eval's log-likelihoods against the library's; installs 0.8 GB
	python -m pytest tests/evaluation $(ARGS)

contract: CONTRACT_CASES ?= 20000
contract: .venv/.package .venv/.test build/contract  ## 20 000 requests made from the OpenAPI document, 40 minutes; CONTRACT_CASES=1000
	PYTHONPATH=build/contract:tests python -m contract $(CONTRACT_CASES) $(ARGS)

kills: export SENTIRIC_KILLS := 100
kills: .venv/.package .venv/.test  ## engine processes that die 600 times among fifteen streams, 10 minutes
	cmake --build --preset dev
	python -m pytest tests/python/process tests/e2e/test_engine_dies.py tests/e2e/test_engine_dies_often.py $(ARGS)

reference: .venv/.package $(PROTO)  ## write anew what docs/ and the flags derive from the sources
	PYTHONPATH=python python docs/reference.py >/dev/null  # what flags derive from the first time
	PYTHONPATH=python python docs/reference.py

bench: bench-tools .venv/.bench  ## against llama-server in pairs, 20 minutes; ARGS="shared8 --pairs 5"
	python -m benchmarks --device $(DEVICE) $(ARGS)

bench-quick: override ARGS += --size quick
bench-quick: bench  ## the same with small models and prompts, 3 minutes

bench-micro: .venv/.package .venv/.bench  ## what parts of the engine cost, with pytest-benchmark
	cmake --build --preset dev --target step_cost
	python -m pytest benchmarks -p no:cacheprovider $(ARGS)

bench-grammars: .venv/.bench .venv/.package build/bench-grammars  ## schemas and token masks against llguidance, 2 minutes; ARGS=xgrammar
	PYTHONPATH=build/bench-grammars python -m benchmarks.grammars $(ARGS)

bench-tools: .venv/.package  ## llama.cpp's tools from the same tree with the same flags; DEVICE=cuda
	cmake -S benchmarks/native -B $(BENCH_BUILD) -G Ninja --log-level=WARNING -DCMAKE_BUILD_TYPE=Release \
	  -DSENTIRIC_CUDA=$(if $(filter cuda,$(DEVICE)),ON,OFF) \
	  $(foreach name,GGML_NATIVE CMAKE_C_COMPILER CMAKE_CXX_COMPILER,-D$(name)=$(call of_package,$(name)))
	cmake --build $(BENCH_BUILD)

guide: build/guide-venv  ## train the built-in model anew
	cd python && ../build/guide-venv/bin/python -m guide_training $(ARGS)

wheel: .venv/.build  ## dist/*.whl; SENTIRIC_NATIVE=OFF for other machines
	python -m pip wheel -q --no-deps $(PIP_BUILD) -w dist .

sdist: .venv/.build  ## dist/*.tar.gz with the llama.cpp sources inside
	python -c 'import sys; sys.path.insert(0, "python"); from build_backend import build_sdist; print(build_sdist("dist"))'

clean:  ## remove what was built; vendor/llama.cpp stays
	rm -rf .venv build dist tests/.models tests/*/node_modules benchmarks/.models .mypy_cache .pytest_cache .ruff_cache .coverage $(dir $(PROTO))

.venv/bin/python:
	@$(PYTHON) .ci/preflight.py
	$(PYTHON) -m venv .venv

.venv/.build: pyproject.toml | .venv/bin/python
	$(call pip_install,build-system requires)
	for tool in cmake ninja; do command -v $$tool >/dev/null || python -m pip install -q $$tool; done
	touch $@

.venv/.package: .venv/.build $(SOURCES)
	@echo "Building the package; the first build compiles llama.cpp, which takes some minutes."
	python -m pip install $(PIP_BUILD) . | grep --line-buffered -v '^Requirement already satisfied'
	touch $@

.venv/.test .venv/.lint .venv/.bench .venv/.coverage .venv/.workflow: .venv/.%: .venv/.build
	$(call pip_install,project optional-dependencies $*)
	touch $@

tests/%/node_modules/.package-lock.json: tests/%/package-lock.json
	npm ci --silent --prefix tests/$*
	touch $@

proto: $(PROTO)  ## write the gRPC code into python/, for running from the source tree

$(PROTO): python/compile_proto.py pyproject.toml $(wildcard python/sentiric_llama/rpc/proto/*.proto) | .venv/.build
	python $< python

build/stub/%.pyi: .venv/.package .venv/.lint
	pybind11-stubgen sentiric_llama.$* --output-dir build/stub
	{ echo '# SPDX-License-Identifier: AGPL-3.0-only'; cat build/stub/sentiric_llama/$*.pyi; } > $@

# Beside .venv, because nothing else may depend on them.
build/bench-grammars: benchmarks/grammars/requirements.txt | .venv/bin/python
	rm -rf $@
	python -m pip install -q --no-deps --target $@ -r $<

build/contract: tests/contract/requirements.txt | .venv/bin/python
	rm -rf $@
	python -m pip install -q --target $@ -r $<

build/guide-venv: python/guide_training/requirements.txt
build/clients-venv: tests/clients/requirements.txt
build/lm-eval-venv: tests/evaluation/requirements.txt
build/guide-venv build/clients-venv build/lm-eval-venv:
	$(PYTHON) -m venv $@
	$@/bin/pip install -q -r $< && touch $@ || { rm -rf $@; exit 1; }

.PHONY: help run install test test-core test-native test-python test-inprocess test-llama lint lint-style lint-types lint-stub lint-cpp lint-workflow \
        stub proto format coverage coverage-core coverage-python asan tsan asan-llama fuzz schemas tools clients lm-eval contract kills nightly reference \
        bench bench-quick bench-micro bench-grammars bench-tools guide wheel sdist clean
