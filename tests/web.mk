# SPDX-License-Identifier: GPL-2.0
# make check-web: the page in a headless browser (tests/web/run).

check-web:
	$(Q)tests/run $(if $(RESULTS),-o $(RESULTS)) tests/web/run

.PHONY: check-web
