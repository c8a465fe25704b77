# SPDX-License-Identifier: GPL-2.0
# Part of booted.sh: the rights of the service as it runs, and that nothing is
# missing for them. TAP; $tmp and says() are its.
# shellcheck shell=bash
daemon_status=/proc/$(systemctl show -P MainPID ringprofd)/status
folded() { # [QUERY]
	curl -fsS -u "x:$(cat /etc/ringprof/token)" http://127.0.0.1:4099/api/v1/profile -G -d format=folded -d from=now-10m \
		--data-urlencode "query=${1:-}"
}
ok "the daemon runs as its own user" grep -q "^Uid:	$(id -u ringprof)	" "$daemon_status"
# CHECKPOINT_RESTORE, PERFMON, SYS_PTRACE, DAC_READ_SEARCH
ok "four capabilities are in force" grep -q '^CapEff:	0000014000080004$' "$daemon_status"
# and SYS_ADMIN, which Debian's kernels ask for when an event is opened
ok "a fifth can be" grep -q '^CapPrm:	0000014000280004$' "$daemon_status"
ok "none goes to what it starts" grep -q '^CapAmb:	0*$' "$daemon_status"
reloaded() { # HZ
	printf 'frequency = %s\n' "$1" >/etc/ringprof/ringprofd.conf.d/90-test.conf
	systemctl reload ringprofd && says "$1 Hz" ringprof status
}
mkdir -p /etc/ringprof/ringprofd.conf.d
ok "reloaded with another frequency it samples on" reloaded 251
rm /etc/ringprof/ringprofd.conf.d/90-test.conf
ok "the usual one is asked for again" systemctl reload ringprofd
ok "and in force" says " 99 Hz" ringprof status
ok "the credential is the group's" test "$(stat -c '%a %U %G' /etc/ringprof/token)" = "640 root ringprof"
ok "so is its socket" test "$(stat -c '%a %G' /run/ringprof/ringprofd.sock)" = "660 ringprof"

# another user's programs: one in a unit, one whose code has a name in /tmp alone, and only when it has ended
install -m 755 late /tmp/late
install -m 700 -o nobody late /tmp/private
printf '[Service]\nType=oneshot\nUser=nobody\nExecStart=/tmp/private 4\n' >/run/systemd/system/rp-test.service
systemctl daemon-reload
ok "a unit of another user's program is run" systemctl start rp-test.service
# whose it is must have been read while it ran, by a daemon that has only just begun
setpriv --reuid=65534 --regid=65534 --clear-groups /tmp/late 10
timeout 5 dd if=/dev/zero of=/dev/null bs=64k
ok "kernel functions have names" says '_\[k\]' folded '{comm="dd"}'
# shellcheck disable=SC2154 # booted.sh's
ok "none is without" sh -c "! grep -F '[kernel]+0x' '$tmp/out'"
ok "the names of a program that its owner alone may read are known" says ';main;' folded '{comm="private"}'
unit_known() {
	says ';main;' folded '{unit="rp-test.service"}' && return
	# what it is taken for instead
	grep cgroup /proc/mounts
	curl -fsS -u "x:$(cat /etc/ringprof/token)" http://127.0.0.1:4099/api/v1/processes -G -d from=now-10m \
		--data-urlencode 'query={comm="private"}'
	return 1
}
ok "its unit is known" unit_known
ok "a perf map is found after its program has ended" says 'main;late_code' folded '{comm="late"}'
rm -f /tmp/perf-*.map
readers() { # as many as there are
	local p n=0
	for p in $(pgrep '^rp-'); do
		grep -q "^Uid:	$(id -u ringprof-reader)	" "/proc/$p/status" && grep -q '^CapPrm:	0*$' "/proc/$p/status" &&
			grep -q 'ringprof-reader@' "/proc/$p/cgroup" || { cat "/proc/$p/status" "/proc/$p/cgroup"; return 1; }
		n=$((n + 1))
	done
	echo "# $n readers"
	[ "$n" -ge 2 ]
}
ok "who reads files has another user, no right, and a unit of its own" readers
others() { # as many readers as before, and none of them
	pgrep '^rp-' | sort >"$tmp/old"
	xargs kill -9 <"$tmp/old" || return 1
	for _ in $(seq 60); do
		pgrep '^rp-' | sort >"$tmp/new"
		[ "$(wc -l <"$tmp/new")" -ge "$(wc -l <"$tmp/old")" ] && [ -z "$(comm -12 "$tmp/old" "$tmp/new")" ] && return
		sleep 0.5
	done
	paste "$tmp/old" "$tmp/new"
	return 1
}
ok "killed, they come again" others
# of another build-id: its names are in no cache
install -m 755 again /tmp/again
/tmp/again 4
ok "and read on" says ';main;' folded '{comm="again"}'
rm -f /tmp/perf-*.map
