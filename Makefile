# Every target does its own set-up: a virtual environment in .venv and pip. PYTHON chooses the interpreter (3.11 or newer).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= out/demo
DATA ?= data
MODEL := examples/kurashil-mnist-56x56.safetensors
CORE := ais-56x56
# Rooms of the package: folders of the root with an __init__.py, as setup.py finds them.
ROOMS := $(filter-out oscc,$(patsubst %/__init__.py,%,$(wildcard */__init__.py)))

# Where pip would bring a PyTorch with CUDA: make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
PIP := PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --disable-pip-version-check \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

# torch and numba have thread pools that fight on few cores.
export NUMBA_NUM_THREADS ?= 1

.PHONY: demo test slow lint bench formal formal-quick gates suite campaign coverage synth results clean registers

demo: $(VENV)/.demo
	$(BIN)/oscc compile $(MODEL) --core $(CORE) -o $(OUT)
	$(BIN)/oscc emit $(OUT)
	$(BIN)/oscc report $(OUT)
	$(BIN)/oscc sample $(OUT) -n 64 -o $(OUT)/samples.png
	$(BIN)/oscc sample $(OUT) -n 64 --full-precision -o $(OUT)/samples-full-precision.png
	$(BIN)/oscc cosim $(OUT) --engine pysim -n 2
	cp $(OUT)/cosim-pysim/cosim.png $(OUT)/cosim.png
	$(BIN)/oscc verify $(OUT) --engine array --engine pysim --strict
	@echo "done: see $(OUT)/samples.png, $(OUT)/cosim.png and $(OUT)/report/report.html"

test: $(VENV)/.dev
	$(BIN)/pytest -n auto --dist worksteal

# The tests that build with Verilator, every one that is installed: minutes of one processor.
SLOW := tests/sim/test_standalone_run.py tests/oscc/test_cocotb.py tests/rtl/delivery/test_assertions.py tests/sim/engines/test_verilog.py
slow: $(VENV)/.dev
	OSCC_SLOW_TESTS=1 $(BIN)/pytest $(SLOW)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf .types && mkdir -p .types/oscc
	for d in $(ROOMS) $(notdir $(wildcard oscc/*.py)); do ln -sfn ../../$$(test -d $$d || echo oscc/)$$d .types/oscc/$$d; done
	MYPYPATH=.types $(BIN)/mypy --namespace-packages --explicit-package-bases -p oscc
	MYPYPATH=.types $(BIN)/mypy benchmarks
	MYPYPATH=.types $(BIN)/mypy --namespace-packages --explicit-package-bases formal
	MYPYPATH=.types $(BIN)/mypy --namespace-packages --explicit-package-bases tests

# Kernels and commands; then solving against simulated annealing, and placing against minorminer, and what copies cost, and yield: more than an hour, most of it the
# peer's limit of time.
bench: $(VENV)/.dev
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/bench_solve.py
	$(BIN)/python benchmarks/bench_placement.py
	$(BIN)/python benchmarks/bench_copies.py
	$(BIN)/python benchmarks/bench_yield.py

# All proofs, and the seeded bugs that must break them: about ten minutes of one processor.
formal: $(VENV)/.dev
	$(BIN)/python formal/run.py --markdown docs/formal.md

# Those that take seconds.
formal-quick: $(VENV)/.dev
	$(BIN)/python formal/run.py --quick

# Each module of tiny-8x8 proved to be its component, each netlist of generic cells to be its module, and the benches on
# the netlist, docs/gates.md: about ten minutes of two processors.
gates: $(VENV)/.dev
	$(BIN)/python formal/gates.py --markdown docs/gates.md

# Every engine on every core, number of chunks and width of the coupling codes: hours of one processor. What passed before, of the same Verilog and
# program, is not repeated: the results are committed.
suite: $(VENV)/.dev
	$(BIN)/pytest tests/suite --suite all --suite-folder tests/suite/results
	OSCC_SLOW_TESTS=1 $(BIN)/pytest tests/sim/test_standalone_run.py

# Upsets in the weight banks and damaged program streams against the RTL: out/campaign.md.
campaign: $(VENV)/.dev
	OSCC_CAMPAIGN=full $(BIN)/pytest -s tests/sim/verify/test_fault_campaign.py

# Line, toggle and functional coverage of the cocotb benches: docs/coverage.md.
coverage: $(VENV)/.dev
	$(BIN)/python benchmarks/rtl_coverage.py

# Clock, utilisation and area, docs/synthesis.md: hours of one processor. What was done before, of the same inputs, is kept in out/.
synth: $(VENV)/.dev
	nice $(BIN)/python benchmarks/bench_synthesis.py --markdown docs/synthesis.md

# How the quality of models moves with what they are made of, docs/results.md: hours of one processor. What was measured before is committed and not
# repeated. DATA has mnist.npz (oscc data fetch mnist -o data).
results: $(VENV)/.dev
	$(BIN)/python benchmarks/bench_results.py --markdown docs/results.md --data $(DATA)

# What is generated from the register map and committed.
registers: $(VENV)/.dev
	$(BIN)/python -c "from oscc.rtl.delivery import register_exports as r; from pathlib import Path; \
	Path('docs/registers.md').write_text(r.markdown()); Path('sim/host/core_registers.py').write_text(r.python_driver())"

clean:
	rm -rf out build .types .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/.python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "oscc needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.demo: $(VENV)/.python pyproject.toml
	$(PIP) -e '.[torch]'
	touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml
	$(PIP) -e '.[dev]'
	touch $@ $(VENV)/.demo
