# SPDX-License-Identifier: GPL-2.0
# The module under KASAN, lockdep, kmemleak and what else tests/vm/config.debug
# switches on: the whole VM suite. The kernel is Debian's source, or the tree
# that KERNEL_SRC names, built at the first time: 5 minutes on two CPUs that do nothing
# else, and 50 to run.
#
#   make check-debug [KERNEL_SRC=DIR] [DEBUG_PARTS="tables rows"]

DEBUG_PARTS ?=
DEBUG_TIMEOUT ?= 5400
space := $(subst ,, )

check-debug: vm-programs
	$(Q)src="$(KERNEL_SRC)"; [ -n "$$src" ] || src=$$(tests/vm/kernel-tree) || exit; \
	RINGPROF_STRICT=1 KERNEL_SRC=$$src KERNEL_DEBUG=1 VM_TIMEOUT=$(DEBUG_TIMEOUT) \
		tests/run -t $$(($(DEBUG_TIMEOUT) + 2400)) $(if $(RESULTS),-o $(RESULTS)) \
		tests/vm/on,debug$(if $(strip $(DEBUG_PARTS)),$(comma)$(subst $(space),$(comma),$(strip $(DEBUG_PARTS))))

.PHONY: check-debug
