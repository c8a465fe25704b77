# SPDX-License-Identifier: GPL-2.0
# Over its budget the sampler skips, says so, and counts what it skipped.
# shellcheck shell=bash disable=SC2154,SC2015
load
# as dear as samples get, on every CPU
deep_cpus() {
	local c
	for c in $(seq 0 $(($(nproc) - 1))); do
		taskset -c "$c" deep 512 1000 > /dev/null &
		load_pids="$load_pids $!"
	done
}
# What the module tells who listens: period and rate of each change by the governor
listen() {
	ringtool events > "$tmp/events" &
	listener=$!
	for _ in $(seq 50); do
		! grep -q '^listening' "$tmp/events" || return 0
		sleep 0.1
	done
	echo "ringtool events does not listen"
	return 1
}
# told slower|faster: an event tells that the governor has changed the period so from what it was
told() {
	awk -v want="$1" '
		$1 != "event" { next }
		{ print }
		last && $2 == "\"governor\"" && $4 == 1 && $6 == 10000 { seen[$8 > last ? "slower" : "faster"]++ }
		{ last = $8 }
		END { exit !seen[want] }' "$tmp/events"
}
period() { ringtool info | sed 's/.*"period":\([0-9]*\).*/\1/'; }
rate_falls() {
	ringtool start -F 10000 -D 512 -B 100 || return 1
	sleep 12
	low=$(period)
	echo "# figure: 512 frames at 10000 Hz: one every $low ns after 12 s"
	[ "$low" -gt 200000 ]
}
# Ten calm seconds for each step. A call costs half as much on an idle CPU as under the load
# where it is emulated, so that half the budget were never calm: more of it.
rate_rises() {
	local i
	# the governor may take a step of its own in between; a budget that changed the rate back
	# leaves none to rise from
	for i in 1 2 3; do
		low=$(period)
		ringtool set -F 10000 -D 512 -B $((999 + i)) || return 1
		[ "$(period)" != "$low" ] || break
	done
	[ "$(period)" = "$low" ] || { echo "another budget alone changed the rate"; return 1; }
	for i in $(seq 30); do
		[ "$(period)" -lt "$low" ] && break
		sleep 1
	done
	echo "# figure: one every $(period) ns again after $i s"
	[ "$(period)" -lt "$low" ]
}
deep_cpus
ok "record 512 frames at 10000 Hz within 1 % of a CPU" record "$tmp/r" -F 10000 -D 512 -B 100 -d 8
judge "counters add up under the governor" tests/vm/check counters "$tmp/r" governed
judge "the sampler kept its budget" tests/vm/check budget "$tmp/r" 1
ok "who wants to hear of it listens" listen
ok "the rate falls" rate_falls
judge "events told of it" told slower
idle_cpus
ok "and rises again" rate_rises
judge "an event told of that, too" told faster
kill "$listener"
ringtool stop
ok "record without a budget" record "$tmp/r" -F 499 -d 3
judge "counters add up, nothing is throttled" tests/vm/check counters "$tmp/r"
# Perf stops an event at every overflow where a host allows one a tick; the tick has to start it again.
one_a_tick() {
	local rate=/proc/sys/kernel/perf_event_max_sample_rate was ret=0
	was=$(cat $rate)
	echo 100 > $rate || return 1
	busy_cpus
	record "$tmp/r" -F 99 -d 5 || ret=1
	idle_cpus
	echo "$was" > $rate
	return $ret
}
ok "record where perf allows one overflow a tick" one_a_tick
calls() { jq -r '.cpus[].module | "CPU \(.cpu): \(.calls) calls"' "$tmp/r" && jq -e '.cpus | all(.module.calls > 50)' "$tmp/r" > "$tmp/all"; }
judge "sampling goes on from tick to tick" calls
