# SPDX-License-Identifier: GPL-2.0
# make check-deb: both packages, this version and a next one, in a Debian 12 of
# their own and in a VM that boots it (tests/deb/packages.sh). The part of it
# that is in make check is tests/vm/parts/80-dkms.sh.

check-deb:
	$(Q)scripts/need check-deb
	$(Q)$(MAKE) --no-print-directory deb
	$(Q)$(MAKE) --no-print-directory deb VERSION=$(VERSION)+next
	$(Q)tests/run -t 1800 $(if $(RESULTS),-o $(RESULTS)) tests/deb/packages.sh tests/deb/module.sh

.PHONY: check-deb
