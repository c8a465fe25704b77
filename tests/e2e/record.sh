#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# record on bad days, exit statuses, and that every verb speaks JSON.
. "$(dirname "$0")/lib.sh"

none=(--socket /nonexistent)
ends() { # STATUS TEXT command...: exit status, and what stderr says
	local want=$1 text=$2 got=0
	shift 2
	timeout 30 "$@" >"$dir/out" 2>"$dir/err" || got=$?
	[ "$got" = "$want" ] && grep -qF -- "$text" "$dir/err" || { echo "status $got, says: $(cat "$dir/err")"; return 1; }
}
record() { local want=$1 text=$2; shift 2; ends "$want" "$text" build/ringprof record "${none[@]}" --source perf "$@"; }
absent() { [ ! -e "$1" ]; }

ok "half a second" record 0 "samples" -d 0.5 -o "$dir/half.pb.gz"
ok "is a profile" go tool pprof -raw "$dir/half.pb.gz"
ok "disk full" record 1 "/dev/full: No space left on device" -d 0.1 -o /dev/full
ok "a place that is not there: told before the command runs" \
	record 1 "/nonexistent/x: No such file" -o /nonexistent/x -- touch "$dir/ran"
ok "a wrong selector too" record 2 "query: position" -q '{a' -o "$dir/q.pb.gz" -- touch "$dir/ran"
ok "neither ran it" absent "$dir/ran"
ok "nor left a file" absent "$dir/q.pb.gz"
echo precious >"$dir/old"
ok "a rate out of range" record 2 "allowed: 1 to 10000" -F 10001 -o "$dir/old"
ok "a process that is not" record 1 "no process" -p 2147483647 -o "$dir/old"
ok "what was in the file is still there" grep -q precious "$dir/old"
ok "no such command: 127" record 127 "nonexistent-command: No such file" -o "$dir/n.pb.gz" -- nonexistent-command
ok "not to be run: 126" record 126 "Permission denied" -o "$dir/n.pb.gz" -- "$dir/old"
ok "the command's status" record 7 samples -o "$dir/n.pb.gz" -- sh -c 'exit 7'
ok "the command's signal" record 137 samples -o "$dir/n.pb.gz" -- sh -c 'kill -9 $$'
build/workloads/steady 1 >/dev/null &
ok "a process that ends meanwhile" record 0 samples -F 999 -p $! -d 2 -o "$dir/gone.folded"
ok "has its profile" tests/lib/folded.py has "$dir/gone.folded" main steady_inner
# a load for all that follows
build/workloads/steady 1000 >/dev/null &
pids+=($!)
interrupted() {
	local began=$SECONDS
	build/ringprof record "${none[@]}" --source perf -F 499 -d 120 -o "$dir/int.folded" -p "${pids[0]}" 2>/dev/null &
	local p=$!
	sleep 2
	kill -INT $p
	wait $p && tests/lib/folded.py has "$dir/int.folded" main steady_inner || return 1
	[ $((SECONDS - began)) -lt 60 ] || { echo "it goes on for $((SECONDS - began)) s"; return 1; }
}
ok "Ctrl-C saves what there is" interrupted
# signalled SIGNAL STATUS SCRIPT: what comes of it, with the profile so far, and no command left
signalled() {
	local p got=0
	rm -f "$dir"/sig.*
	# not ignored, as they are in what a script has in its background
	env --default-signal=INT,TERM build/ringprof record "${none[@]}" --source perf -F 499 -o "$dir/sig.folded" \
		-- sh -c "echo \$\$ >'$dir/sig.pid'; $3" 2>"$dir/err" &
	p=$!
	for _ in $(seq 100); do [ -s "$dir/sig.pid" ] && break; sleep 0.1; done
	pids+=("$(cat "$dir/sig.pid")")
	sleep 1
	kill "-$1" $p
	wait $p || got=$?
	[ "$got" = "$2" ] && [ -s "$dir/sig.folded" ] || { echo "status $got, says: $(cat "$dir/err")"; return 1; }
	! kill -0 "$(cat "$dir/sig.pid")" 2>/dev/null || { echo "the command goes on"; return 1; }
}
spin='while :; do :; done'
ok "SIGTERM goes on to the command, whose end is the status" signalled TERM 143 "$spin"
ok "SIGINT too" signalled INT 130 "$spin"
ok "a command that takes its time is waited for" signalled TERM 5 "trap 'sleep 1; exit 5' TERM; $spin"
passed_over() {
	local p
	record 0 "goes on: process" -d 0.5 -o "$dir/over.pb.gz" -- sleep 30 || return 1
	p=$(sed -n 's/.*sleep goes on: process //p' "$dir/err")
	[ "$(cat "/proc/$p/comm")" = sleep ] && kill "$p"
}
ok "a command outlives the time, and is told" passed_over
ok "to a pipe" sh -c "build/ringprof record ${none[*]} --source perf -d 0.5 -f folded -o /dev/stdout 2>/dev/null | grep -q ';'"
ok "no daemon: 3" ends 3 "no daemon at /nonexistent" build/ringprof query "${none[@]}"
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$@"; }
cp build/ringprof "$dir/rp"
chmod 711 "$dir"
mkdir -m 777 "$dir/open"
unprivileged() {
	nobody "$dir/rp" record "${none[@]}" --source perf -d 1 -o "$dir/open/x" 2>"$dir/err"
	local status=$?
	[ $status = 4 ] && grep -q perf "$dir/err" && absent "$dir/open/x" || { echo "status $status, says: $(cat "$dir/err")"; return 1; }
}
if [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -gt 0 ]; then
	ok "without the right to sample: 4, what is missing, no file" unprivileged
else
	skip "without the right to sample" "everybody may sample here"
fi
ok "doctor runs for everybody" sh -c "setpriv --reuid=65534 --regid=65534 --clear-groups '$dir/rp' doctor --json ${none[*]} | jq -e . >/dev/null"

words() { [ "$(build/ringprof record "${none[@]}" -d 1 -o "$dir/words.folded" -- printf '<%s>' -d 1 x 2>/dev/null)" = '<-d><1><x>' ]; }
ok "a command gets its own arguments and no others" words

ok "a daemon starts" start_daemon
sock=(--socket "$dir/sock")
sleep 2
for v in status "query --from now-1m" "top --once" doctor version; do
	# shellcheck disable=SC2086
	ok "${v%% *} --json" sh -c "build/ringprof $v --json ${sock[*]} | jq -e 'type == \"object\"' >/dev/null"
done
ok "record beside the daemon asks it" ends 0 "asking the running daemon" build/ringprof record "${sock[@]}" -d 1 -o "$dir/asked.pb.gz"
ok "for longer than it remembers: told how long it may be" ends 2 "at most 3239 s here, raise history" \
	build/ringprof record "${sock[@]}" -d 1h -o "$dir/asked.pb.gz"
# windows are ten seconds long: those that began before must not be in it whole; of one thread, that never sleeps
short() {
	local seconds
	build/ringprof record "${sock[@]}" -q '{comm="steady"}' -d 1 -o "$dir/asked.json" 2>/dev/null || return 1
	seconds=$(jq '[.profiles[].endValue] | max / 1e9' "$dir/asked.json")
	echo "# $seconds s of CPU time of one thread in one second"
	jq -ne "$seconds > 0.02 and $seconds <= 1.2" >/dev/null
}
sleep 5
ok "and has that time alone, in every format" short
build/ringprof doctor >/dev/full 2>"$dir/err"
ok "output that does not get through is a failure" sh -c "[ $? = 1 ] && grep -q 'No space left' '$dir/err'"
done_testing
