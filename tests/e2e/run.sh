#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# make run beside the installed service, and beside itself. In a mount name
# space: what the service has in /run, /var/lib and /etc is ours there.
[ -n "${RUN_TEST:-}" ] || RUN_TEST=1 exec unshare -m "$0"
. "$(dirname "$0")/lib.sh"
mount -t tmpfs none /run
mkdir -p /var/lib/ringprof /etc/ringprof
mount -t tmpfs none /var/lib/ringprof
mount -t tmpfs none /etc/ringprof
export RINGPROF_KO=/nonexistent

# a daemon as the unit starts it, but for the user; $1: the address
service() {
	mkdir -p /run/ringprof
	build/ringprofd --source=perf --cache-dir="$dir/cache" --listen="$1" >"$dir/service.log" 2>&1 &
	daemon_pid=$!
	for _ in $(seq 100); do
		rp status --socket /run/ringprof/ringprofd.sock >"$dir/out" 2>&1 && return
		sleep 0.1
	done
	cat "$dir/service.log"
	return 1
}
# by_hand [option...]: up, or what it says and 1; its pid in $run
by_hand() {
	scripts/run --source=perf "$@" >"$dir/said" 2>&1 &
	run=$!
	pids+=("$run")
	for _ in $(seq 100); do
		grep -q 'command:' "$dir/said" && return
		kill -0 "$run" 2>/dev/null || break
		sleep 0.1
	done
	cat "$dir/said"
	return 1
}
ends() { # of what by_hand started
	kill "$run" && wait "$run"
}
url() { sed -n 's/.*flame graph of this host: *//p' "$dir/said"; }

ok "make run comes up" by_hand --listen="127.0.0.1:$port"
ok "at the address that it prints" curl -fsS -o /dev/null "$(url)api/v1/status"
found() { rp status >"$dir/out" && grep -q '^source   perf' "$dir/out" || { cat "$dir/out"; return 1; }; }
ok "ringprof finds it" found
own() {
	[ -d /run/ringprof-run/history ] && [ ! -e /run/ringprof ] && [ -z "$(find /var/lib/ringprof /etc/ringprof -mindepth 1)" ] ||
		{ ls -lR /run /var/lib/ringprof /etc/ringprof; return 1; }
}
ok "all that it writes is its own" own
twice() { # another port: nothing but the lock is in its way
	! RINGPROF_RUN_DIR=/run/ringprof-run by_hand --listen="127.0.0.1:$(free_port)" >"$dir/out" && [ -z "$(url)" ] &&
		grep -q "another ringprofd runs here" "$dir/said" || { cat "$dir/said"; return 1; }
}
first=$run
ok "a second one beside it ends, and prints no address" twice
run=$first
ok "Ctrl-C ends it in order" ends

ok "the service runs" service "127.0.0.1:$port"
refused() {
	! by_hand --listen="127.0.0.1:$port" >"$dir/out" && wait "$run"
	[ $? = 1 ] && [ -z "$(url)" ] && grep -qF "ringprofd runs already: http://127.0.0.1:$port/" "$dir/said" &&
		grep -qF 'systemctl stop ringprofd' "$dir/said" || { cat "$dir/said"; return 1; }
}
ok "on the same port: told where it is and how to go on" refused
ok "on another port both run" by_hand --listen="127.0.0.1:$(free_port)"
ok "and the second has its own address" curl -fsS -o /dev/null "$(url)api/v1/status"
ok "it ends" ends

# the unit's user owns its directory; who comes second must not take that away
{
	cat /etc/group
	echo ringprof:x:4198:
} >"$dir/group"
mount --bind "$dir/group" /etc/group
owner() { # only now: nothing has the lock taken from it in between
	chown 4199:4198 /run/ringprof && chmod 755 /run/ringprof
	! timeout 10 build/ringprofd --source=perf --listen= --unix-socket= --auth=none --cache-dir="$dir/cache2" >"$dir/out" 2>&1 &&
		grep -q 'another ringprofd runs here' "$dir/out" || { cat "$dir/out"; return 1; }
	[ "$(stat -c '%u %g %a' /run/ringprof)" = "4199 4198 755" ] || { stat /run/ringprof; return 1; }
}
ok "a daemon that is refused leaves the directory to whom it belongs" owner
stop_daemon
ours() { [ "$(stat -c '%u %g %a' /run/ringprof)" = "0 4198 2755" ]; }
taken() { # and one that is not takes it
	build/ringprofd --source=perf --listen= --unix-socket= --auth=none --cache-dir="$dir/cache2" >"$dir/out" 2>&1 &
	daemon_pid=$!
	until_true 20 ours || { cat "$dir/out"; stat /run/ringprof; return 1; }
	stop_daemon
}
ok "one that has the lock makes it its own" taken
done_testing
