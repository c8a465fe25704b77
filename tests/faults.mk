# SPDX-License-Identifier: GPL-2.0
# The daemon while an allocation, or a call for files or sockets fails. `make
# check` tries some (tests/e2e/faults.sh), `make check-faults` each call stack that
# such calls come from; FAULT_SECONDS= for each of its four parts.

NTH := build/tests/faults/nth.so
FAULT_SECONDS ?=

check-faults: daemon workloads $(NTH)
	$(Q)st=0; for step in start scrape; do for kind in alloc io; do \
		tests/faults/nth.py $$step $$kind $(FAULT_SECONDS) || st=1; done; done; exit $$st

$(NTH): tests/faults/nth.c
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) $(filter-out -D_FORTIFY_SOURCE=2 -fPIE,$(ALL_CFLAGS)) -shared -fPIC -o $@ $<

.PHONY: check-faults
