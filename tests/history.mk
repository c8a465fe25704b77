# SPDX-License-Identifier: GPL-2.0
# make bench-history: 30 days of 50 services replayed into a history on disk;
# fails when a goal is missed. make check-kills: KILLS times kill -9 at random
# moments; the unit tests do 25.

bench-history:
	$(Q)tests/bench/history

KILLS ?= 1000
check-kills: $(BUILD)/tests/unit/test_store_kill
	$(Q)RINGPROF_KILLS=$(KILLS) $<

$(BUILD)/tests/bench/history_of: $(BUILD)/tests/bench/history_load.o $(BUILD)/tests/bench/history_stacks.o

.PHONY: bench-history check-kills
