# SPDX-License-Identifier: GPL-2.0
# make bench-symbols: names a second, and the time to the first name of a
# program of 500 MB; fails when a goal is missed.

bench-symbols:
	$(Q)tests/bench/symbols

$(BUILD)/tests/bench/symbols_of: $(BUILD)/tests/bench/big_elf.o

.PHONY: bench-symbols
