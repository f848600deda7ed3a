# Two commands: `make demo` and `make test`. Both make their own environment in .venv first.
# They are thin wrappers: README.md has the same steps as plain commands.

PYTHON ?= python3.11
BIN := .venv/bin
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
# An editable install (CONTRIBUTING.md) stays one.
EDITABLE = $(shell grep -qs '"editable": true' .venv/lib/python*/site-packages/patternlite-*.dist-info/direct_url.json \
  && echo --no-build-isolation -e)
SOURCES := pyproject.toml constraints.txt CMakeLists.txt $(shell find delegate_src plugins pruning -type f ! -name '*.pyc')

.PHONY: demo test test-python test-cpp test-asan test-tsan bench lint clean

demo: .venv/.installed
	$(BIN)/patternlite demo

test: test-cpp test-python

test-python: .venv/.installed
	$(BIN)/python -m pytest

# test-asan and test-tsan run the C++ tests under sanitizers; not part of `make test`, since they build for minutes.
test-cpp: PRESET := dev
test-asan: PRESET := asan
test-tsan: PRESET := tsan
test-cpp test-asan test-tsan: .venv/.installed build/.system
	$(BIN)/cmake --preset $(PRESET) -DCMAKE_MAKE_PROGRAM="$(CURDIR)/$(BIN)/ninja" --log-level=WARNING
	$(BIN)/cmake --build --preset $(PRESET)
	$(BIN)/ctest --preset $(PRESET) -j 2

# The published set against every rival. On a quiet machine TVM's tuning takes three quarters of an hour and the rest
# an hour; it resumes if it was stopped.
bench: .venv/.installed
	$(BIN)/python -m benchmarks rivals --install
	$(BIN)/python -m benchmarks tune resnet18 resnet18_cifar vgg16 vgg16_cifar resnet50 --trials 32
	$(BIN)/python -m benchmarks

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check . --exclude "*.md"
	$(BIN)/mypy plugins/patternlite pruning benchmarks
	git ls-files '*.c' '*.cc' '*.h' | xargs $(BIN)/clang-format --dry-run -Werror

clean:
	rm -rf .venv build

# Installs the package with everything that it can use. The stamp makes this happen once for each state of the sources.
.venv/.installed: $(SOURCES)
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not here: install Python 3.11 or say make PYTHON=/path/to/it"; exit 1; }
	@command -v c++ >/dev/null || { echo "no C++ compiler: apt-get install g++"; exit 1; }
	@test -e "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" || { echo "no Python.h: apt-get install $(notdir $(PYTHON))-dev"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(EDITABLE) '.[convert,tflite,mnn,bench,dev]'
	@touch $@

# GoogleTest and Google Benchmark, from the distribution.
build/.system:
	@if ! test -e /usr/include/gtest/gtest.h || ! test -e /usr/include/benchmark/benchmark.h; then \
	  command -v apt-get >/dev/null || { echo "install GoogleTest and Google Benchmark (libgtest-dev, libbenchmark-dev)"; exit 1; }; \
	  $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends libgtest-dev libbenchmark-dev; \
	fi
	@mkdir -p build && touch $@
