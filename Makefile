# Each target sets up all that it needs by itself (.venv, packages, the C library) and does so once.

PYTHON ?= python3
BIN := .venv/bin
ROOTS := schema interpreter converter
SETUP := @$(PYTHON) tools/environment.py
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help demo test quick train lint schema readme build zoo-test bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## convert the trained demo network, run it on 1,000 images and compare with TensorFlow's outputs
	$(SETUP) images numba
	@$(BIN)/python examples/fashion/demo.py

test: lint ## everything: lint and all tests, TensorFlow's included; the emulated Pis but for a short look
	$(SETUP) dev train wheels
	@$(BIN)/python -m pytest -q -n 2 -m "not device"

quick: ## the tests that need no TensorFlow, in under two minutes
	$(SETUP) dev
	@$(BIN)/python -m pytest -q -n 2 --quick

build/train/float.h5:
	$(SETUP) images numba train
	@$(BIN)/xlite train fashion_float --seed 2 --resume --out $@

train: build/train/float.h5 ## train the demo network again, record its images and outputs (over an hour; resumes)
	$(SETUP) images numba train
	@$(BIN)/xlite train fashion_distilled --seed 2 --start $< --resume --out build/train/model.h5
	@cp build/train/model.h5 build/train/model.jsonl examples/fashion/
	@$(BIN)/python examples/fashion/record.py

lint: ## ruff and mypy
	$(SETUP) dev train
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@rm -rf build/tree && mkdir -p build/tree/xlite
	@ln -s $(CURDIR)/xlite/* $(addprefix $(CURDIR)/,$(ROOTS)) build/tree/xlite/
	@cd build/tree && $(CURDIR)/$(BIN)/mypy --config-file $(CURDIR)/pyproject.toml -p xlite

schema: ## regenerate the flatbuffer code from schema/xlite.fbs
	$(SETUP) dev
	@$(BIN)/python -m xlite.schema.generate

readme: ## README.md: what the demo prints, and the figures of the pages in docs
	$(SETUP) images numba
	@$(BIN)/python tools/readme.py
	@$(BIN)/python tools/readme_figures.py

build: ## the virtual environment and the C library, nothing else
	$(SETUP)
	@$(BIN)/python -c "from xlite.interpreter import backends; print('backends here:', *backends.available_backends())"

zoo-test: ## larq-zoo's networks: built, converted, compared with TensorFlow (1.5 GB of packages; an hour, once)
	$(SETUP) dev
	@$(BIN)/python -m tests.zoo.environment
	@build/zoo/venv/bin/python tests/zoo/build.py
	@$(BIN)/python -m pytest -q -m zoo tests/zoo && tested=0 || tested=1; \
		$(BIN)/python -m tests.zoo.table && exit $$tested

bench: ## time xlite beside LiteRT and Larq Compute Engine (2 GB of packages, once); BENCH=--help lists options
	$(SETUP) numba train
	@$(BIN)/python -m benchmarks $(or $(BENCH),--markdown docs/performance.md)

.PHONY: packages
packages: ## the C library for Arduino, PlatformIO, ESP-IDF, Zephyr and CMake, in build/packages
	$(SETUP) dev
	@$(BIN)/python -m tools.packages

.PHONY: mcu-test
mcu-test: ## the microcontrollers: kernels and networks on ten emulated boards (as root it installs what is missing)
	$(SETUP) dev
	@$(BIN)/python -m tests.mcu.install
	@$(BIN)/python -m pytest -q -n 2 tests/mcu

.PHONY: mcu-bench
mcu-bench: ## instructions, flash and RAM on emulated microcontrollers, into docs; MODEL=file.xlite for one of yours
	$(SETUP) dev
	@$(BIN)/python -m tests.mcu.install
	@$(BIN)/python -m benchmarks.mcu $(if $(MODEL),--model $(MODEL),--markdown docs/microcontrollers.md)

.PHONY: device-bench
device-bench: ## an emulated Raspberry Pi Zero: instructions beside float twins, memory, the start from python3; into docs
	$(SETUP) wheels train
	@$(BIN)/python -m benchmarks.device --markdown docs/device-bench.md

.PHONY: wheels
wheels: ## cross-build wheels for armv6l, armv7l, aarch64, x86_64 and any machine, into dist/
	$(SETUP) wheels
	@$(BIN)/python -m tools.wheels

.PHONY: device-test
device-test: ## wheels on emulated Raspberry Pis (as root it installs qemu); BOARD=raspi0: on the whole board, too
	$(SETUP) dev train wheels
	@$(BIN)/python -m tests.device; code=$$?; if [ $$code = 77 ]; then exit 0; fi; \
		[ $$code = 0 ] && $(BIN)/python -m pytest -q tests/device

.PHONY: fuzz
fuzz: ## mutated files through the C reader under sanitizers; MINUTES=60 for a long run, FILES=10000000 for many files
	$(SETUP) dev
	@$(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),3) --files $(or $(FILES),200000)

clean: ## remove .venv and everything that was built
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
