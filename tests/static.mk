# SPDX-License-Identifier: GPL-2.0
# Static checks (tests/static/check says which). `make check` runs those of the
# module on one kernel, KERNEL=, and of the daemon those on what changed, for a
# minute at most; all of it takes minutes.

STATIC ?= sparse exports checkpatch tidy analyzer style
STATIC_TIMEOUT ?= 3600

check-static:
	$(Q)scripts/need check
	$(Q)tests/run -t $(STATIC_TIMEOUT) $(if $(RESULTS),-o $(RESULTS)) \
		tests/static/check,$(subst $(space),$(comma),$(strip $(STATIC)))

check-static-quick:
	$(Q)$(MAKE) --no-print-directory check-static STATIC='sparse=$(KERNEL) exports=$(KERNEL) checkpatch tidy=changed analyzer=changed'

# the product's flags, one a line
static-flags:
	@printf '%s\n' $(ALL_CFLAGS)

.PHONY: check-static check-static-quick static-flags
