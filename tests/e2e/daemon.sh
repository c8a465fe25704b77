#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The daemon's life: settings, lock, ports, signals, bad days.
. "$(dirname "$0")/lib.sh"

says() { # STATUS TEXT command...
	local want=$1 text=$2 out status=0
	shift 2
	out=$("$@" 2>&1) || status=$?
	[ "$status" = "$want" ] || { echo "status $status, not $want: $out"; return 1; }
	[[ $out == *"$text"* ]] || { echo "says: $out"; return 1; }
}

ready_once() { start_daemon --frequency=199; }
ok "starts on the perf source and becomes ready" ready_once
ok "the log names source, reason, rate and address" \
	grep -qE "source perf \(.+\): 199 Hz on [0-9]+ CPUs" "$dir/log"
ok "a second daemon is refused and names the first" \
	says 1 "another ringprofd runs here (pid $daemon_pid" \
	build/ringprofd --state-dir="$dir" --cache-dir="$dir" --listen= --unix-socket= --auth=none --source=perf
mkdir "$dir/two"
ok "a port in use is said with the address" \
	says 1 "127.0.0.1:$port" \
	build/ringprofd --state-dir="$dir/two" --cache-dir="$dir/two" --listen="127.0.0.1:$port" --unix-socket= --auth=none --source=perf
ok "the first one lives on" get /-/healthy
ok "credential and socket are not for everyone" \
	test "$(stat -c %a "$dir/token") $(stat -c %a "$dir/sock")" = "640 660"

capabilities() {
	local bits
	bits=$(awk '/^CapEff/ { print $2 }' "/proc/$daemon_pid/status")
	# perfmon 38, checkpoint_restore 40, syslog 34, sys_ptrace 19, setuid 7, setgid 6, dac_read_search 2 and no other
	python3 -c 'import sys; x = int(sys.argv[1], 16) & ~(1<<38 | 1<<40 | 1<<34 | 1<<19 | 1<<7 | 1<<6 | 1<<2); sys.exit(x != 0)' "$bits" ||
		{ echo "CapEff $bits"; return 1; }
	grep -q 'NoNewPrivs:.1' "/proc/$daemon_pid/status"
}
ok "rights it does not need are gone" capabilities
threads_too() {
	local t
	for t in /proc/"$daemon_pid"/task/*/status; do
		[ "$(awk '/^CapEff/ { print $2 }' "$t")" = "$(awk '/^CapEff/ { print $2 }' "/proc/$daemon_pid/status")" ] ||
			{ echo "$t differs"; return 1; }
	done
}
ok "in every thread" threads_too

reload() {
	kill -HUP "$daemon_pid"
	for _ in $(seq 50); do
		grep -q "SIGHUP: settings applied" "$dir/log" && break
		sleep 0.1
	done
	# the collector opens at its next round
	until_true 10 reopened || { cat "$dir/status.json"; return 1; }
}
reopened() { get /api/v1/status -o "$dir/status.json" && jq -e '.source.running and .source.reopens == 1' "$dir/status.json" >/dev/null; }
ok "SIGHUP applies the settings again" reload
ok "SIGTERM ends it with status 0" stop_daemon
ok "and takes the socket away" test ! -e "$dir/sock"

printf 'frequency = 99\nfrequency = 0\n' >"$dir/bad.conf"
ok "a wrong line is named: file, line, key, what is allowed" \
	says 2 "$dir/bad.conf:2: frequency: '0' is not HZ; allowed: 1 to 10000" \
	build/ringprofd --config="$dir/bad.conf" --check-config
ok "--check-config passes the defaults" says 0 "settings are fine" build/ringprofd --check-config
ok "auth = none is refused on an open address" \
	says 2 "auth = none" build/ringprofd --check-config --auth=none --listen=0.0.0.0:4099
ok "an unknown option is refused" says 2 "unrecognized option" build/ringprofd --no-such
ok "source kmod without a module: says so" \
	says 1 "ringprof" build/ringprofd --state-dir="$dir/two" --cache-dir="$dir/two" --listen= --unix-socket= --auth=none --source=kmod
ok "no right to sample: says what is missing" \
	says 1 "perf" setpriv --reuid=65534 --clear-groups --bounding-set=-all --inh-caps=-all \
	build/ringprofd --state-dir="$(d=$(mktemp -d "$dir/u.XXXX"); chmod 777 "$d" "$dir"; echo "$d")" \
	--listen= --unix-socket= --auth=none --source=perf

ok "no right to become another user: says whose it is" \
	says 1 "user: cannot become 'nobody' (libcap-ng error -" setpriv --bounding-set=-setuid,-setgid --inh-caps=-all \
	build/ringprofd --state-dir="$dir/two" --cache-dir="$dir/two" --listen= --unix-socket= --auth=none --source=perf --user=nobody
mkdir "$dir/readonly"
readonly_dir() { # TEXT [option...]: as the unit shows a daemon what is not its own
	local text=$1
	shift
	# shellcheck disable=SC2016 # that shell's own
	timeout -s TERM 3 unshare -m sh -c 'mount -t tmpfs -o ro none "$0/readonly" && exec "$@"' "$dir" build/ringprofd \
		--state-dir="$dir/two" --listen= --unix-socket= --auth=none --source=perf "$@" >"$dir/out" 2>&1
	grep -qF "$text: Read-only file system (for the service: make the directory, owned by ringprof" "$dir/out" &&
		grep -qF 'systemctl edit ringprofd' "$dir/out" || { cat "$dir/out"; return 1; }
}
ok "a history where the service may not write: told how it may" readonly_dir "warning: $dir/readonly/history" --history-dir="$dir/readonly/history"
ok "one that is there too" readonly_dir "history: $dir/readonly" --history-dir="$dir/readonly"
ok "a cache" readonly_dir "$dir/readonly/cache" --cache-dir="$dir/readonly/cache"
ok "and a socket" readonly_dir "unix-socket $dir/readonly/sock" --unix-socket="$dir/readonly/sock"

notified() {
	python3 - "$dir" "$port" <<'P'
import os, socket, subprocess, sys, time
d, port = sys.argv[1:]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(d + "/notify"); s.settimeout(20)
env = dict(os.environ, NOTIFY_SOCKET=d + "/notify", WATCHDOG_USEC="2000000")
p = subprocess.Popen(["build/ringprofd", "--state-dir=" + d + "/two", "--cache-dir=" + d + "/two", "--listen=", "--unix-socket=",
                      "--auth=none", "--source=perf"], env=env, stderr=subprocess.DEVNULL)
got = []
while "WATCHDOG=1" not in got:
    got.append(s.recv(100).decode())
p.terminate()
while "STOPPING=1" not in got:
    got.append(s.recv(100).decode())
assert p.wait() == 0 and got[0] == "READY=1", got
P
}
ok "sd_notify: READY, WATCHDOG, STOPPING" notified

killed() {
	start_daemon || return 1
	kill -9 "$daemon_pid"
	wait "$daemon_pid" 2>/dev/null
	start_daemon || return 1
	get /-/healthy && stop_daemon
}
ok "killed -9, the next one starts over its remains" killed
done_testing
