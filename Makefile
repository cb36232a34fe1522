# `make demo` and `make test` do all that a newcomer's machine needs: install, configure, build, run.
# What is built is said in CMakeLists.txt, how developers build it in CMakePresets.json.

PRESET ?= dev
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 20
FUZZ_SEED ?= 0
CONFIGURE_FLAGS ?=
export CMAKE_CXX_COMPILER_LAUNCHER ?= $(notdir $(shell command -v ccache))

# Debian's names.
packages := cmake g++ ninja-build libboost-dev libfmt-dev libtbb-dev libeigen3-dev libcli11-dev catch2 \
  zlib1g-dev libdeflate-dev libisal-dev libfuse3-dev pkgconf python3 python3-numpy
bench_packages := $(packages) libbenchmark-dev
fuzz_packages := $(packages) clang libclang-rt-dev
format_packages := clang-format git
tidy_packages := $(packages) clang clang-tidy

# Interleaved runs and their medians: what drifts on a shared machine drifts for all.
bench_flags := --benchmark_enable_random_interleaving=true --benchmark_repetitions=7 \
  --benchmark_min_time=0.1 --benchmark_display_aggregates_only=true

sources = git ls-files '*.cpp' '*.hpp'

.PHONY: help test demo bench fuzz format check-format tidy tidy-changed clean
help:
	@echo 'make test      build and run every test (PRESET=asan: under the sanitizers)'
	@echo 'make demo      principal components of a file of 2 GiB, in 256 MiB of memory'
	@echo 'make bench     run the benchmarks'
	@echo 'make fuzz      run each fuzzer for FUZZ_SECONDS=$(FUZZ_SECONDS)'
	@echo 'make format    format the sources; make check-format complains only'
	@echo 'make tidy      compile with Clang, run clang-tidy'
	@echo 'make clean     remove build/'

# $(call install,PACKAGES): as root, install those that are missing; else say how and stop. Not on
# Debian or its children: leave it to CMake to complain.
define install
@command -v dpkg-query >/dev/null || exit 0; \
missing=$$(for package in $(1); do \
  dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null | grep -qx installed || echo $$package; \
done | tr '\n' ' '); \
if [ -z "$$missing" ]; then exit 0; fi; \
if [ "$$(id -u)" != 0 ]; then \
  echo "Some packages are missing. Run this, then make again:"; \
  echo "  sudo apt-get install $$missing"; \
  exit 1; \
fi; \
export DEBIAN_FRONTEND=noninteractive; \
apt-get update -q && apt-get install -qy --no-install-recommends $$missing
endef

# $(call build,PRESET,FLAGS)
define build
cmake --preset $(1) $(2) $(CONFIGURE_FLAGS)
cmake --build --preset $(1) --parallel $(JOBS)
endef

test:
	$(call install,$(packages))
	$(call build,$(PRESET))
	ctest --preset $(PRESET)

demo:
	$(call install,$(packages))
	$(call build,release) --target principal_components
	tests/examples/demo.sh build/release/tests/examples/principal_components

bench:
	$(call install,$(bench_packages))
	$(call build,bench)
	for program in build/bench/bench/*_bench; do \
	  $$program $(bench_flags) --benchmark_out=$$program.json --benchmark_out_format=json || exit; \
	done
	/usr/bin/python3 bench/ratios.py build/bench/bench/*_bench.json
	bench/compile_time.py

fuzz:
	$(call install,$(fuzz_packages))
	$(call build,fuzz,-DNPYMAP_FUZZ_SECONDS=$(FUZZ_SECONDS) -DNPYMAP_FUZZ_SEED=$(FUZZ_SEED)) --target fuzzers
	ctest --preset fuzz --verbose --parallel $(JOBS)

format:
	$(call install,$(format_packages))
	$(sources) | xargs clang-format -i

check-format:
	$(call install,$(format_packages))
	$(sources) | xargs clang-format --dry-run -Werror

tidy:
	$(call install,$(tidy_packages))
	$(call build,tidy)

# Of what changed since the commit SINCE alone: half a minute a source is long for all of them.
SINCE ?= HEAD~1
tidy-changed:
	$(call install,$(tidy_packages))
	cmake --preset tidy
	git diff --name-only --diff-filter=d $(SINCE) -- 'src/*.cpp' | \
	  xargs -r -n 1 -P $(JOBS) clang-tidy -p build/tidy --quiet --warnings-as-errors='*'

clean:
	rm -rf build
