# SPDX-License-Identifier: GPL-2.0
# Source lines of distribution binaries with debug files (libc6-dbg), against
# eu-addr2line: 10,000 addresses each. Part of make check-corpus.

LINES_FILES ?= $(wildcard /usr/lib/x86_64-linux-gnu/libc.so.6 /usr/lib/x86_64-linux-gnu/libm.so.6 \
               /usr/lib/x86_64-linux-gnu/libresolv.so.2 /usr/lib/x86_64-linux-gnu/libthread_db.so.1 \
               /usr/lib/x86_64-linux-gnu/libmvec.so.1 /lib64/ld-linux-x86-64.so.2)
LINES_NUMBER ?= 10000

check-lines: $(BUILD)/tests/lines/lines
	$(Q)tests/lines/compare $< $(LINES_NUMBER) $(LINES_FILES)

.PHONY: check-lines
