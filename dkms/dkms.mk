# SPDX-License-Identifier: GPL-2.0
# make dkms-install: copy the module's sources where dkms wants them (the same
# relative tree: kmod/ beside include/), build, install, load.

DKMS_TREE ?= $(DESTDIR)/usr/src/ringprof-$(VERSION)
DKMS_KERNEL ?= $(shell uname -r)

dkms-tree:
	rm -rf $(DKMS_TREE)
	install -d $(DKMS_TREE)/include
	cp -r include/uapi include/ringprof $(DKMS_TREE)/include/
	git ls-files kmod 2>/dev/null | grep -q . && files="$$(git ls-files kmod | grep -v /.gitignore)" || files="$$(find kmod ! -name 'generated.h' \( -name '*.[ch]' -o -name Makefile -o -name Kbuild -o -name probe \))"; \
		tar cf - $$files | tar xf - -C $(DKMS_TREE)
	install -m 0644 dkms/Makefile COPYING $(DKMS_TREE)/
	sed 's/@VERSION@/$(VERSION)/' dkms/dkms.conf > $(DKMS_TREE)/dkms.conf

# forced: sources may have changed under the same version
DKMS_BUILD ?= dkms build --force

dkms-install: dkms-tree
	dkms status -m ringprof -v $(VERSION) | grep -q . || dkms add -m ringprof -v $(VERSION)
	$(DKMS_BUILD) -m ringprof -v $(VERSION) -k $(DKMS_KERNEL) || \
		{ cat /var/lib/dkms/ringprof/$(VERSION)/build/make.log; exit 1; }
	dkms install --force -m ringprof -v $(VERSION) -k $(DKMS_KERNEL)
	modprobe ringprof

dkms-remove:
	-modprobe -r ringprof
	dkms remove -m ringprof -v $(VERSION) --all
	rm -rf $(DKMS_TREE)

.PHONY: dkms-tree dkms-install dkms-remove
