# SPDX-License-Identifier: GPL-2.0
# Built, installed, loaded and taken away again by dkms, compiled in the guest.
# shellcheck shell=bash disable=SC2154
dkms_there() { dkms status -m ringprof | grep -q "$1"; }

if ! command -v dkms > /dev/null; then
	skip "dkms builds and loads the module" "no dkms on this machine: apt-get install dkms"
else
	unload
	# shellcheck disable=SC2046
	ok "make dkms-install" timeout 900 make --no-print-directory dkms-install
	ok "dkms says installed" dkms_there ": installed"
	ok "the module is loaded, from where dkms put it" sh -c \
		"lsmod | grep -q '^ringprof ' && modinfo -F filename ringprof | grep -q updates/dkms"
	ok "and answers" sh -c "ringprof version | grep -q '^module   $(modinfo -F version ringprof)'"
	ok "make dkms-remove" make --no-print-directory dkms-remove
	ok "nothing of it is left" sh -c '! lsmod | grep -q "^ringprof " && ! test -e /dev/ringprof'
fi
