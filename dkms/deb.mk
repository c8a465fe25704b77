# SPDX-License-Identifier: GPL-2.0
# make deb [VERSION=]: ringprof and ringprof-dkms for Debian 12, in build/deb/
#
# dpkg-buildpackage wants debian/ at the top of a tree: a copy of what git tracks
# gets it. DEB_BUILD=-A makes the package of the module alone, without a compiler.

DEB_DIR := build/deb
DEB_TREE = $(DEB_DIR)/ringprof-$(VERSION)
DEB_BUILD ?= -b

deb-tree:
	$(Q)scripts/need deb
	$(Q)rm -rf $(DEB_TREE) && mkdir -p $(DEB_TREE)
	$(Q)git ls-files -z | tar cf - --null -T - | tar xf - -C $(DEB_TREE)
	$(Q)cp -r $(DEB_TREE)/dkms/debian $(DEB_TREE)/debian
	$(Q)sed -i 's/^VERSION *:= .*/VERSION   := $(VERSION)/' $(DEB_TREE)/Makefile
	$(Q)sed -i 's/define RINGPROF_VERSION ".*"/define RINGPROF_VERSION "$(VERSION)"/' \
		$(DEB_TREE)/include/ringprof/version.h
	$(Q)scripts/need list build | sed 's/.*/ &,/' > $(DEB_TREE)/debian/build-depends
	$(Q)sed -i -e '/@BUILD_DEPENDS@/{r $(DEB_TREE)/debian/build-depends' -e 'd}' $(DEB_TREE)/debian/control
	$(Q)printf 'ringprof (%s) bookworm; urgency=medium\n\n  * Built from %s.\n\n -- %s  %s\n' '$(VERSION)' \
		"$$(git rev-parse HEAD)" "$$(sed -n 's/^Maintainer: //p' $(DEB_TREE)/debian/control)" \
		"$$(git log -1 --format=%aD)" > $(DEB_TREE)/debian/changelog

# without the variables and the job server of this make
deb: deb-tree
	$(Q)cd $(DEB_TREE) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL dpkg-buildpackage $(DEB_BUILD) -us -uc
	$(Q)rm -rf $(DEB_TREE)
	$(Q)ls $(DEB_DIR)/*_$(VERSION)_*.deb

.PHONY: deb-tree deb
