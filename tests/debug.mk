# SPDX-License-Identifier: GPL-2.0
# The module under KASAN, lockdep, kmemleak and what else tests/vm/config.debug
# switches on. The kernel is built from a source tree (Debian: linux-source-6.1,
# unpacked) at the first time; some 20 minutes then, and as many to run.
#
#   make check-debug KERNEL_SRC=DIR [DEBUG_PARTS="tables rows"]

DEBUG_PARTS ?= load counters tables rows nmi
DEBUG_TIMEOUT ?= 3600
space := $(subst ,, )

check-debug: vm-programs
	@[ -n "$(KERNEL_SRC)" ] || { echo "make check-debug KERNEL_SRC=DIR: which kernel tree?" >&2; exit 2; }
	$(Q)KERNEL_SRC="$(KERNEL_SRC)" KERNEL_DEBUG=1 VM_TIMEOUT=$(DEBUG_TIMEOUT) \
		tests/run -t $$(($(DEBUG_TIMEOUT) + 2400)) $(if $(RESULTS),-o $(RESULTS)) \
		tests/vm/on,debug,$(subst $(space),$(comma),$(strip $(DEBUG_PARTS)))

.PHONY: check-debug
