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
[ -e /dev/ringprof ] || ok "without a module ringprof stop says how a daemon on perf events ends" \
	says 3 'systemctl kill -s KILL ringprofd' rp stop
rm $off
ok "lifted: the daemon starts again" start_daemon
stop_daemon
done_testing
