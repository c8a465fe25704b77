# SPDX-License-Identifier: GPL-2.0
# make bench: what a sample costs, beside other profilers, counted in a virtual
# machine; writes tests/bench/bench.json and the figures in README.
#
#   make bench BENCH='frames daemon'   these groups anew (tests/bench/run), the rest as it was

BENCH ?=

bench: daemon workloads $(BUILD)/workloads/deep-rows $(BUILD)/workloads/rowtool \
       $(BUILD)/workloads/ringtool $(BUILD)/tests/bench/daemon_of
	$(Q)scripts/need bench
	$(Q)$(if $(BENCH),,rm -f build/bench/*.raw)
	$(Q)failed=0; tests/bench/run $(BENCH) || failed=1; \
	tests/bench/figures $(if $(BENCH),merge,make) tests/bench/bench.json \
		$(if $(BENCH),$(BENCH:%=build/bench/%.raw) build/bench/gaps.raw,build/bench/*.raw) && \
	tests/bench/figures table tests/bench/bench.json README.md write && [ $$failed = 0 ]

$(BUILD)/tests/bench/pprof_of: $(BUILD)/tests/bench/pprof_world.o

.PHONY: bench
-include $(wildcard $(BUILD)/tests/bench/*.d)
