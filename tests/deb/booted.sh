#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tests/deb/booted.sh VERSION: in a VM that has booted the system where the
# packages are installed, as its last service. TAP.
cd /root/debs || exit 1
# shellcheck source=tests/lib/tap.sh
. ./tap.sh
version=$1
tmp=$(mktemp -d)

is() { systemctl -q is-"$1" ringprofd.service; }
loaded() { grep -q '^ringprof ' /proc/modules; }
says() { # TEXT COMMAND...: within 20 s
	local text=$1
	shift
	for _ in $(seq 40); do
		"$@" >"$tmp/out" 2>&1
		! grep -q -- "$text" "$tmp/out" || { sed -n "s/^url /# &/p" "$tmp/out"; return 0; }
		sleep 0.5
	done
	cat "$tmp/out"
	journalctl -u ringprofd -n 20 --no-pager
	return 1
}
ok "the service runs" is active
ok "by the module" says '^source   kmod (the ringprof module is loaded)' ringprof status
ok "status prints the URL" says '^url      http://127.0.0.1:4099/ ' ringprof status
ok "the module is dkms's" sh -c "modinfo -F filename ringprof | grep updates/dkms"
ok "the device is the daemon's alone" test "$(stat -c '%a %U %G' /dev/ringprof)" = "600 ringprof root"
timeout 600 sh -c 'while :; do :; done' &

# --- what the unit leaves to the daemon is enough ---
# shellcheck source=tests/deb/rights.sh
. ./rights.sh

ok "a profile is scraped" ./profile
ok "which came from the module" sh -c "ringprof stats | awk '/emitted/ { n = \$2 } END { exit !(n > 50) }'"
# what SQLite keeps beside a file that is written goes with it
on_disk() { find /var/lib/ringprof/history -type f ! -name '*-wal' ! -name '*-shm' | sort; }
written() { # windows go to disk some seconds after they end
	for _ in $(seq 60); do
		sleep 1
		on_disk >"$tmp/history"
		[ ! -s "$tmp/history" ] || { sleep 15; return 0; }
	done
	return 1
}
ok "a history is on disk" written
until=$(date +%s)

# --- upgrade ---
ok "the next version installs over it" dpkg -i "ringprof_$version+next_amd64.deb"
ok "and runs" says "^daemon   $version+next" ringprof version
ok "on the module that is still loaded" says '^source   kmod' ringprof status
kept() { on_disk | comm -23 "$tmp/history" - >"$tmp/gone"; [ -s "$tmp/history" ] && [ ! -s "$tmp/gone" ] || { cat "$tmp/history" "$tmp/gone"; return 1; }; }
ok "the history is kept" kept
ok "and answered from" says 'sh' ringprof query --from now-30m --until "$until"

# --- the kill switch ---
touch /etc/ringprof/disabled
ok "the service ends when /etc/ringprof/disabled appears" says inactive systemctl is-active ringprofd
ok "and does not start" sh -c 'systemctl start ringprofd; sleep 2; ! systemctl -q is-active ringprofd'
ok "status says why" says '^daemon   switched off: /etc/ringprof/disabled' ringprof status
ok "nothing samples" says '^module .*stopped' ringprof status
rm /etc/ringprof/disabled
ok "lifted, it starts" systemctl start ringprofd

# --- the daemon's package goes first, while the module samples for it ---
ok "it is on the module again" says '^source   kmod' ringprof status
ok "which is loaded" loaded
ok "ringprof is removed" dpkg -r ringprof
ok "the module is unloaded with it" sh -c "! grep '^ringprof ' /proc/modules"
ok "the module's own package is still there" sh -c "dkms status -m ringprof | grep -q installed"
ok "ringprof comes again" dpkg -i "ringprof_$version+next_amd64.deb"
ok "and loads it" says '^source   kmod' ringprof status

# --- the module's package goes, the daemon stays ---
ok "ringprof-dkms is removed under the running service" dpkg -r ringprof-dkms
ok "the module is unloaded" sh -c "! grep '^ringprof ' /proc/modules"
ok "the service goes on with perf and says why" says '^source   perf (no module: the ringprof module is not loaded: not installed' ringprof status
# the script of the package would compile for ten minutes here
touch /etc/dkms/no-autoinstall
ok "it comes again, without a build" dpkg -i "ringprof-dkms_${version}_all.deb"
ok "perf goes on" says '^source   perf (no module' ringprof status
mkdir -p "/var/lib/dkms/ringprof/$version/build"
echo error >"/var/lib/dkms/ringprof/$version/build/make.log"
ok "a build that failed is told, with its log" says "dkms could not build it, see /var/lib/dkms/ringprof/$version/build/make.log" ringprof doctor
rm -r /var/lib/dkms/ringprof

# --- the daemon has the events then: ringprof stop ends it, and systemd does not bring it back (RestartSec=5) ---
stopped() {
	systemctl kill -s STOP ringprofd && timeout 30 ringprof stop && sleep 8 || return 1
	! is active && ! pgrep -x ringprofd || { systemctl status ringprofd; return 1; }
}
ok "ringprof stop ends the service that hangs" stopped
ok "until it is started" systemctl start ringprofd
ok "by perf" says '^source   perf (no module' ringprof status

# --- nothing stays ---
ok "ringprof is removed for good" dpkg -r ringprof
ok "the service is gone" sh -c '! systemctl -q is-active ringprofd && ! pgrep ringprofd'
ok "the history is not" kept
ok "both are purged" dpkg -P ringprof ringprof-dkms
ok "no file is left" sh -c '! find / -xdev -path /proc -prune -o -path /root/debs -prune -o -path /sys -prune -o -name "*ringprof*" -print | grep -v "^/var/log/\|^/var/cache/apt" | grep .'
done_testing
