# SPDX-License-Identifier: GPL-2.0
# What people and CI ask for by name: run, check, style, install, help.

RESULTS_FILE := $(CURDIR)/build/results.tsv

run:
	$(Q)scripts/need build
	$(Q)scripts/need module >/dev/null 2>&1 || true
	$(Q)$(MAKE) $(JOBS) --no-print-directory daemon
	$(Q)$(MAKE) --no-print-directory kmod || echo "run: the module does not build for this kernel; going on with the perf source"
	$(Q)scripts/run $(ARGS)

# Every part runs whatever the one before came to; the sum at the end decides. A
# part that fails is a failure itself: it may have broken off before its tests.
# Those that mind no load run beside others.
check_part = $(MAKE) --no-print-directory $(1) RESULTS=$(RESULTS_FILE) || \
	printf 'not ok\tmake %s\tsee above\n' $(1) >> $(RESULTS_FILE)
check:
	$(Q)scripts/need check
	$(Q)mkdir -p build && rm -f $(RESULTS_FILE)
	@# what does not build fails again in the part that needs it
	$(Q)$(MAKE) $(JOBS) --no-print-directory vm-programs || true
	$(Q)($(call check_part,vm-icount)) > build/vm-icount.log 2>&1 & \
		$(call check_part,check-unit); wait; cat build/vm-icount.log
	$(Q)$(call check_part,check-e2e)
	$(Q)($(call check_part,check-static-quick)) > build/check-static.log 2>&1 & \
		$(call check_part,check-web); wait; cat build/check-static.log
	$(Q)$(call check_part,vm-clock)
	@echo
	$(Q)tests/run --sum $(RESULTS_FILE)

# Two at once: those that mostly wait and ask for no program that another one runs
E2E_BESIDE := $(patsubst %,tests/e2e/%.sh,debuginfod examples history http_scrapes names outputs query readers \
	settings switch verbs)
E2E := $(filter-out tests/e2e/lib.sh $(E2E_BESIDE),$(sort $(wildcard tests/e2e/*.sh)))
check-e2e: daemon workloads $(NTH) $(CRASH_DAEMON)
	$(Q)tests/run $(if $(RESULTS),-o $(RESULTS)) -j 2 $(E2E_BESIDE); st=$$?; \
		tests/run $(if $(RESULTS),-o $(RESULTS)) $(E2E) && exit $$st

style:
	$(Q)scripts/style

install: daemon
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(SYSCONFDIR)/ringprof \
		$(DESTDIR)$(UNITDIR) $(DESTDIR)$(UDEVDIR) $(DESTDIR)$(SYSUSERSDIR) $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
		$(DESTDIR)$(PREFIX)/share/doc/ringprof/examples
	install -m 0755 $(BUILD)/ringprofd $(DESTDIR)$(PREFIX)/sbin/ringprofd
	install -m 0755 $(BUILD)/ringprof $(DESTDIR)$(PREFIX)/bin/ringprof
	[ -e $(DESTDIR)$(SYSCONFDIR)/ringprof/ringprofd.conf ] || \
		install -m 0644 scripts/ringprofd.conf $(DESTDIR)$(SYSCONFDIR)/ringprof/ringprofd.conf
	sed 's|@SBINDIR@|$(PREFIX)/sbin|; s|@SYSCONFDIR@|$(SYSCONFDIR)|g' scripts/ringprofd.service.in \
		> $(DESTDIR)$(UNITDIR)/ringprofd.service
	sed 's|@SBINDIR@|$(PREFIX)/sbin|' scripts/ringprof-reader@.service.in > $(DESTDIR)$(UNITDIR)/ringprof-reader@.service
	install -m 0644 scripts/ringprof-reader.socket $(DESTDIR)$(UNITDIR)/ringprof-reader.socket
	install -m 0644 scripts/ringprof.rules $(DESTDIR)$(UDEVDIR)/60-ringprof.rules
	install -m 0644 scripts/ringprof.sysusers $(DESTDIR)$(SYSUSERSDIR)/ringprof.conf
	@# the unit's user, which a package makes when it is installed
	[ -n "$(DESTDIR)" ] || ! command -v systemd-sysusers >/dev/null || systemd-sysusers $(SYSUSERSDIR)/ringprof.conf
	install -m 0644 scripts/ringprof.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/ringprof
	for m in scripts/man/*.[1-8]; do \
		install -D -m 0644 $$m $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/} || exit 1; done
	install -m 0644 scripts/examples/* $(DESTDIR)$(PREFIX)/share/doc/ringprof/examples/

help:
	@echo 'make                 daemon and command; the module when kernel headers are there (KERNELDIR=)'
	@echo 'make run             install what is missing, build, serve this host in the foreground (root)'
	@echo 'make check           install what is missing, run every test (root)'
	@echo 'make check-unit      unit tests under ASan, UBSan, TSan'
	@echo 'make check-e2e       daemon and command on this host, perf source (root)'
	@echo 'make check-corpus    stacks of Rust, Go, packaged programs, here and by the module in a VM; source lines (root)'
	@echo 'make check-lines     names and lines against eu-addr2line'
	@echo 'make corpus          build the programs that stacks are checked with'
	@echo 'make fuzz            libFuzzer on all parsers (FUZZ_SECONDS=60, FUZZ=NAME)'
	@echo 'make check-faults    allocations and I/O calls failing, at each call stack (FAULT_SECONDS=)'
	@echo 'make check-web       the page in headless Chromium'
	@echo 'make check-vm        the module in a VM (KERNEL=6.1)'
	@echo 'make check-matrix    the same on every kernel of tests/vm/matrix, a line of figures each'
	@echo 'make check-tree      the same on a source tree that it names (TREE=3.10-el7 KERNEL_SRC=DIR)'
	@echo 'make check-abuse     the module under abuse in full size in a VM: a million netlink messages, of calls too'
	@echo 'make check-soak      module and daemon under mixed abuse in a VM (SOAK=20, minutes)'
	@echo 'make check-debug     the same under KASAN, lockdep and kmemleak ([KERNEL_SRC=DIR])'
	@echo 'make check-kills     kill -9 at random moments of writing the history (KILLS=1000)'
	@echo 'make check-static    sparse, checkpatch, exports, clang-tidy, gcc -fanalyzer, shellcheck (STATIC=)'
	@echo 'make check-deb       the packages, in a Debian 12 of their own and in a VM that boots it (root)'
	@echo 'make bench           what a sample costs, beside other profilers (root)'
	@echo 'make bench-symbols   names a second, and the time to the first one'
	@echo 'make bench-history   30 days of 50 services in the history: size, query times, memory'
	@echo 'make style           what can be checked of the coding style'
	@echo 'make install         PREFIX, DESTDIR, SYSCONFDIR, UNITDIR, UDEVDIR, SYSUSERSDIR are honoured'
	@echo 'make deb             Debian packages ringprof and ringprof-dkms, in build/deb/'
	@echo 'make dkms-install    build and load the module through dkms (root)'
	@echo 'make clean'
	@echo 'V=1 shows commands. tests/vm/run --help: any command on any kernel.'

.PHONY: run check check-e2e style install help
