# SPDX-License-Identifier: GPL-2.0
# From its Debian package: installed, loaded and taken away by dkms; tests/vm/dkms
# built it beforehand.
# shellcheck shell=bash disable=SC2154
dkms_state() { dkms status -m ringprof | grep -q ": $1"; }
doctor_says() { ringprof doctor | grep -A1 "^warning module  *not loaded: .*$1"; }
failed_build() {
	local log=/var/lib/dkms/ringprof/0/build/make.log
	mkdir -p "${log%/*}" && touch $log && doctor_says "$log" && rm -r /var/lib/dkms/ringprof
}
by_command_line() {
	modprobe -r ringprof && modprobe ringprof && grep -qx Y /sys/module/ringprof/parameters/off && modprobe -r ringprof
}
# a database of its own: reading this machine's whole one takes minutes here
in_dpkg() {
	mkdir -p "$tmp/dpkg/info" "$tmp/dpkg/updates"
	touch "$tmp/dpkg/status" "$tmp/dpkg/available"
	dpkg --admindir="$tmp/dpkg" --force-depends "$@"
}
nothing_left() {
	! grep -q "^ringprof " /proc/modules && ! test -e /dev/ringprof && ! dkms_state . &&
		! find /usr/src /var/lib/dkms "/lib/modules/$(uname -r)/" -name 'ringprof*' | grep .
}
dkms_built=$RINGPROF_CACHE/dkms/$(uname -r)

if ! command -v dkms > /dev/null; then
	skip "dkms installs and loads the module" "no dkms on this machine: apt-get install dkms"
elif [ ! -d "$dkms_built" ]; then
	skip "dkms installs and loads the module" "tests/vm/dkms was not run for $(uname -r)"
else
	unload
	mkdir -p /var/lib/dkms
	ok "doctor: no package, no module" doctor_says 'not installed (package ringprof-dkms)'
	# its script would build now, which takes ten minutes here
	touch /etc/dkms/no-autoinstall
	ok "the package installs" in_dpkg -i "$dkms_built/ringprof-dkms.deb"
	ok "what a failed build leaves is told" failed_build
	cp -r "$dkms_built/tree/." /var/lib/dkms/
	ln -sfn "/usr/src/$(ls "$dkms_built/src")" /var/lib/dkms/ringprof/*/source
	ok "dkms has built it for this kernel" dkms_state built
	ok "doctor: built, but not loaded" doctor_says 'dkms has built it for this kernel'
	ok "make dkms-install" timeout 300 make --no-print-directory dkms-install DKMS_BUILD=:
	ok "dkms says installed" dkms_state installed
	ok "the module is loaded, from where dkms put it" sh -c \
		"grep -q '^ringprof ' /proc/modules && modinfo -F filename ringprof | grep -q updates/dkms"
	ok "and it answers" sh -c "ringprof version | grep -q '^module   [0-9]'"
	ok "ringprof.off=1 on the kernel's command line reaches it" with_cmdline ringprof.off=1 by_command_line
	ok "the package is removed" in_dpkg -P ringprof-dkms
	ok "nothing of it is left" nothing_left
fi
