#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The history on disk, end to end: what a daemon recorded, the next one
# answers, also after kill -9; files that are none are set aside; a disk that
# is full costs history, not samples; two daemons do not share a directory.
. "$(dirname "$0")/lib.sh"
history=$dir/history

samples() { # samples FROM TO: of all that was recorded between these ms
	get "/api/v1/profile?from=$1&until=$2&format=top&max_nodes=1" | jq .samples
}
recorded_ms() { get "/api/v1/profile?from=now-1h&format=top&max_nodes=1" | jq -r "$1"; }
disk() { get /metrics | awk -v m="ringprof_history_$1" '$1 == m { print $2 }'; }
on_disk_ms() { get /api/v1/tiers | jq '.tiers[] | select(.name == "10s") | .to_ms'; }
wait_for_disk() { # MS: until the windows up to there are on disk
	for _ in $(seq 300); do
		[ "$(on_disk_ms)" -ge "$1" ] && return 0
		sleep 0.1
	done
	echo "no window up to $1 after 30 s: $(on_disk_ms)"
	return 1
}

start_daemon || exit 1
sh -c 'while :; do :; done' &
pids+=($!)
ok "a window is on disk within 30 s" wait_for_disk 1
from=$(recorded_ms .from_ms)
# two windows at most, the first one short: they end on tens of seconds
to=$(((from + 1000) / 10000 * 10000 + 10000))
wait_for_disk "$to" || exit 1
kill -9 "$daemon_pid"
wait "$daemon_pid" 2>/dev/null
daemon_pid=
ok "kill -9 leaves a file of the finest tier" test -n "$(ls "$history"/10s-*.rph)"
echo "no database" >"$history/10s-20200101-0.rph"
start_daemon || exit 1
oldest=$(disk 'tier_oldest_timestamp_seconds{tier="10s"}')
ok "the next daemon has its windows (since $oldest)" test "${oldest%.*}" -gt 0
before=$(samples "$from" "$to")
ok "and answers for that time (${before:-no} samples)" test "${before:-0}" -gt 0
ok "a foreign file is set aside" test -e "$history/10s-20200101-0.rph.refused"
ok "and the log names it" grep -q '10s-20200101-0.rph: .*set aside' "$dir/log"
refused=$(disk refused_files_total)
ok "and it is counted ($refused)" test "$refused" = 1
ok "stops in order" stop_daemon
# as the service leaves it, whose user is another one
chown -R 4199 "$history"
start_daemon || exit 1
ok "a third one, of another user, gives the same answer" test "$(samples "$from" "$to")" = "$before"

second() {
	local second_port
	second_port=$(free_port)
	timeout 5 "$top/build/ringprofd" --state-dir="$dir/other" --history-dir="$history" --auth=none --source=perf \
		--unix-socket= --listen="127.0.0.1:$second_port" >"$dir/log2" 2>&1
	grep -q 'another daemon writes there; the history is kept in memory alone' "$dir/log2"
}
ok "a second daemon in the same directory keeps to its memory" second
stop_daemon

start_daemon --history-size=0 || exit 1
ok "history-size = 0: no disk" test -z "$(disk disk_bytes)"
stop_daemon

# a disk of 1 MiB
small=$dir/small
mkdir "$small"
if mount -t tmpfs -o size=1m none "$small" 2>/dev/null; then
	start_daemon --history-dir="$small/history" || exit 1
	cat /dev/zero >"$small/fill" 2>/dev/null
	for _ in $(seq 300); do
		grep -q 'no room left on the disk' "$dir/log" && break
		sleep 0.1
	done
	ok "a full disk is said in the log" grep -q 'no room left on the disk' "$dir/log"
	ok "once" test "$(grep -c 'no room left on the disk' "$dir/log")" = 1
	ok "and sampling goes on" test "$(recorded_ms .samples)" -gt 0
	stop_daemon
	umount "$small"
else
	skip "a full disk" "cannot mount a tmpfs here"
fi
done_testing
