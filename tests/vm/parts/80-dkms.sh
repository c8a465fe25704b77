# SPDX-License-Identifier: GPL-2.0
# Installed, loaded and taken away by dkms; tests/vm/dkms built it beforehand.
# shellcheck shell=bash disable=SC2154
dkms_state() { dkms status -m ringprof | grep -q ": $1"; }
dkms_built=$RINGPROF_CACHE/dkms/$(uname -r)

if ! command -v dkms > /dev/null; then
	skip "dkms installs and loads the module" "no dkms on this machine: apt-get install dkms"
elif [ ! -d "$dkms_built" ]; then
	skip "dkms installs and loads the module" "tests/vm/dkms was not run for $(uname -r)"
else
	unload
	mkdir -p /var/lib/dkms
	cp -r "$dkms_built/tree/." /var/lib/dkms/
	cp -r "$dkms_built/src/." /usr/src/
	ln -sfn "/usr/src/$(ls "$dkms_built/src")" /var/lib/dkms/ringprof/*/source
	ok "dkms has built it for this kernel" dkms_state built
	ok "make dkms-install" timeout 300 make --no-print-directory dkms-install DKMS_BUILD=:
	ok "dkms says installed" dkms_state installed
	ok "the module is loaded, from where dkms put it" sh -c \
		"grep -q '^ringprof ' /proc/modules && modinfo -F filename ringprof | grep -q updates/dkms"
	ok "and answers" sh -c "ringprof version | grep -q '^module   [0-9]'"
	ok "make dkms-remove" make --no-print-directory dkms-remove
	ok "nothing of it is left" sh -c '! grep -q "^ringprof " /proc/modules && ! test -e /dev/ringprof'
fi
