#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# /etc/ringprof/disabled switches everything off. In a mount name space with an
# /etc of its own.
[ -n "${SWITCH_TEST:-}" ] || SWITCH_TEST=1 exec unshare -m "$0"
. "$(dirname "$0")/lib.sh"

cp -a /etc "$dir/etc"
mkdir -p "$dir/etc/ringprof"
mount --bind "$dir/etc" /etc
off=/etc/ringprof/disabled
rm -f $off

says() { # STATUS TEXT command...
	local want=$1 text=$2 status=0
	shift 2
	"$@" >"$dir/out" 2>&1 || status=$?
	[ "$status" = "$want" ] && grep -qF -- "$text" "$dir/out" && return 0
	echo "status $status, not $want, or does not say '$text':"
	cat "$dir/out"
	return 1
}
daemon() { "$top/build/ringprofd" --state-dir="$dir" --listen= --unix-socket="$dir/sock" --auth=none --source=perf; }

ok "the daemon starts without the file" start_daemon
ok "status tells the address and where the credential is" \
	says 0 "url      http://127.0.0.1:$port/  (any user, password: the line in $dir/token)" rp status --socket "$dir/sock"
touch $off
stops() {
	local status=0
	wait "$daemon_pid" || status=$?
	daemon_pid=
	[ $status = 0 ] && grep -q "stopping: switched off: $off is there" "$dir/log" || { cat "$dir/log"; return 1; }
}
ok "it ends by itself, in order, when the file appears" stops
ok "by hand it does not start, and says what to do" says 78 "rm $off && systemctl start ringprofd" daemon
ok "and systemd does not start it again and again" grep -qx RestartPreventExitStatus=78 scripts/ringprofd.service.in
ok "ringprof start does not either" says 1 "start: switched off: $off is there" rp start
ok "nor ringprof record" says 1 "record: switched off: $off is there" rp record -d 1 -o "$dir/x.pb.gz"
ok "and leaves no file" test ! -e "$dir/x.pb.gz"
ok "status says why no daemon runs" sh -c "build/ringprof status --socket '$dir/sock' | grep -q 'daemon   switched off: $off'"
ok "and of the module something else" sh -c "build/ringprof status --socket '$dir/sock' | grep '^module' | grep -v '$off'"
ok "doctor too" sh -c "build/ringprof doctor --socket '$dir/sock' | grep -A1 '^warning daemon *switched off: $off' | grep -q -- '-> rm $off'"
rm $off
ok "lifted: the daemon starts again" start_daemon

# --- without a module ringprof stop ends the daemon, as perf events are its own ---
unless() { # a module is loaded: it is stopped then, whatever there is beside it
	[ -e /dev/ringprof ] || ok "$@"
}
ok "ringprof stop by another user says who may" \
	says 4 "stop: the ringprofd of $dir: Permission denied; run as root" setpriv --reuid=65534 --clear-groups build/ringprof stop --socket "$dir/sock"
ended() { # STATUS: of the daemon
	local status=0
	wait "$daemon_pid" || status=$?
	daemon_pid=
	[ $status = "$1" ] || { echo "status $status, not $1"; cat "$dir/log"; return 1; }
}
chmod 755 "$dir"
ok "also where the lock can be read" \
	says 4 "stop: the ringprofd of $dir: Permission denied; run as root" setpriv --reuid=65534 --clear-groups build/ringprof stop --socket "$dir/sock"
ok "ringprof stop ends it in order" says 0 "ringprofd (pid $daemon_pid), which sampled by perf events, has ended" rp stop --socket "$dir/sock"
ok "and it is gone" ended 0
unless "then there is nothing to stop, and it says so" says 3 "and no daemon samples by perf events here" rp stop --socket "$dir/sock"
ok "the daemon starts again" start_daemon
kill -STOP "$daemon_pid"
ok "one that hangs is killed" says 0 "did not end in 3 s and was killed" rp stop --socket "$dir/sock"
ok "and gone as well" ended 137
# another process's number stands in the lock, as it may where PID name spaces differ
stranger() {
	sleep 60 &
	pids+=($!)
	mkdir "$dir/other" && echo $! >"$dir/other/ringprofd.lock"
	flock "$dir/other/ringprofd.lock" sleep 61 &
	pids+=($!)
	sleep 0.5
	rp stop --socket "$dir/other/sock" >"$dir/out" 2>&1
	kill -0 "${pids[0]}" && ! grep has.ended "$dir/out"
}
ok "nobody else is" stranger
done_testing
