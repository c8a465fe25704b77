# SPDX-License-Identifier: GPL-2.0
# The whole way: module, daemon, HTTP, go tool pprof (built beforehand: compiling
# it is no work for an emulated CPU).
# shellcheck shell=bash disable=SC2154,SC2015
port=4199 state=$tmp/state
daemon='' budget=''
mkdir -p "$state"
echo "frequency = 499" > "$state/conf"

start_daemon() {
	ringprofd --source=kmod --config="$state/conf" --state-dir="$state" --token-file="$state/token" \
		--unix-socket="$state/sock" --listen=127.0.0.1:$port ${budget:+"--budget=$budget"} > "$tmp/daemon.log" 2>&1 &
	daemon=$!
	for _ in $(seq 300); do
		! curl -fso /dev/null --unix-socket "$state/sock" http://localhost/-/ready || return 0
		kill -0 $daemon 2> /dev/null || break
		sleep 0.1
	done
	cat "$tmp/daemon.log"
	return 1
}

scrape() { # SECONDS OUT [ARG]
	curl -fsS --unix-socket "$state/sock" -o "$2" -u "ringprof:$(cat "$state/token")" \
		"http://localhost/debug/pprof/profile?seconds=$1${3:-}"
}

# two programs, one on each CPU, while a scrape of RINGPROF_SECONDS (22) looks on
scrape_shares() {
	local secs=${RINGPROF_SECONDS:-22}
	taskset -c 0 shares $((secs + 4)) > "$tmp/truth0" &
	local a=$!
	taskset -c 1 shares $((secs + 4)) > "$tmp/truth1" &
	local b=$!
	sleep 1
	scrape "$secs" "$tmp/pprof" || return 1
	wait $a $b
}
top() { pprof -top -nodecount=2000 -unit=ns "$1" > "$2" 2> "$2.err" || { cat "$2.err"; return 1; }; }

metric() { curl -fsS --unix-socket "$state/sock" http://localhost/metrics | awk -v name="$1" '$1 == name { print $2 }'; }
# within SECONDS the log has a line with TEXT, one, and the slowdown is as COMPARED with 1
logged() { # SECONDS TEXT COMPARED
	for _ in $(seq "$1"); do
		! grep -q "$2" "$tmp/daemon.log" || break
		sleep 1
	done
	echo "slowdown $(metric ringprof_governor_slowdown), changes $(metric ringprof_governor_changes_total)," \
		"period $(metric ringprof_sample_period_seconds)"
	cat "$tmp/daemon.log"
	[ "$(grep -c "$2" "$tmp/daemon.log")" = 1 ] && test "$(metric ringprof_governor_slowdown)" "$3" 1 &&
		[ "$(metric ringprof_governor_changes_total)" -gt 0 ]
}

load
# less than samples cost on an emulated CPU
budget=0.05%
ok "the daemon takes the module" start_daemon
budget=
busy_cpus
judge "log and /metrics tell that the governor has slowed it" logged 60 "governor has slowed the module" -gt
idle_cpus
ok "the limit is taken away" ringprof set --budget 0
period=$(ringtool info | sed "s/.*\"period\":\([0-9]*\).*/\1/")
for run in $(seq 1 "${RINGPROF_DAEMON_RUNS:-1}"); do
	ok "scrape shares, run $run" scrape_shares
	ok "go tool pprof reads it" top "$tmp/pprof" "$tmp/top"
	ok "without a word of complaint" sh -c "! grep -v '^File:\|^Fetching\|^Saved' $tmp/top.err"
	judge "go tool pprof -top has the shares, run $run" env MIN_SAMPLES="${RINGPROF_MIN_SAMPLES:-2000}" \
		tests/vm/check pprof "$tmp/top" "$period" "$tmp/truth0" "$tmp/truth1"
done

# CPU seconds of a cgroup by the daemon and by the kernel. halfidle_turn() is that
# program's alone: the profile is of the whole machine, whose daemon has a main() too.
half_idle() {
	mkdir -p /sys/fs/cgroup/half
	sh -c 'echo 0 > /sys/fs/cgroup/half/cgroup.procs; exec halfidle 20' > "$tmp/truth" &
	scrape 24 "$tmp/half.pprof" || return 1
	wait $!
	awk '$1 == "usage_usec" { print "{\"cpu_ns\":" $2 "000}" }' /sys/fs/cgroup/half/cpu.stat > "$tmp/cgroup"
	top "$tmp/half.pprof" "$tmp/top"
}
if has_cgroup2; then
	ok "scrape a half idle cgroup" half_idle
	judge "its CPU seconds are cpu.stat's" \
		tests/vm/check pprof-total "$tmp/top" "$period" "$tmp/cgroup" halfidle_turn
else
	skip "CPU seconds of a cgroup" "this kernel has no cgroup2"
fi

kill_daemons() {
	local i
	for i in $(seq 1 "${RINGPROF_DAEMON_KILLS:-5}"); do
		sleep "0.$((RANDOM % 9))$((RANDOM % 9))"
		kill -9 $daemon
		wait $daemon 2> /dev/null
		start_daemon || { echo "kill $i"; return 1; }
	done
}
judge "log and /metrics tell that the rate is as asked for again" logged 60 "Hz again, as asked for" -eq
# by netlink, straight to the module
stop_stuck() {
	kill -STOP "$daemon"
	ringtool info | grep -q '"state":1' && timeout 20 ringprof stop && ringtool info | grep -q '"state":0'
	local status=$?
	kill -CONT "$daemon"
	return $status
}
# state_stays N SECONDS: sampling or not, all the while
state_stays() {
	for _ in $(seq $(($2 * 5))); do
		ringtool info | grep -q "\"state\":$1" || { ringtool info; return 1; }
		sleep 0.2
	done
}
ok "ringprof stop works while the daemon is stuck" stop_stuck
ok "and holds when the daemon goes on" state_stays 0 5
ok "until ringprof start" sh -c 'ringprof start && ringtool info | tee /dev/stderr | grep -q "\"state\":1"'
# Debian's kernels let nobody without CAP_SYS_ADMIN open events, and that is not in force any more
reloaded() { # HZ
	echo "frequency = $1" > "$state/conf"
	kill -HUP "$daemon"
	for _ in $(seq 150); do
		! ringtool info | grep -q "\"state\":1,.*\"hz\":$1," || return 0
		sleep 0.2
	done
	cat /proc/sys/kernel/perf_event_paranoid "/proc/$daemon/status" "$tmp/daemon.log"
	ringtool info
	return 1
}
ok "SIGHUP with another frequency: it samples on" reloaded 251
ok "and with the one before" reloaded 499
ok "no right is in force that it keeps for that" \
	sh -c "v=\$(sed -n 's/^CapEff:\t//p' /proc/$daemon/status) && [ \$((0x\$v >> 21 & 1)) = 0 ]"
# of the side band: one event a CPU
events() { # N
	local n
	for _ in $(seq 150); do
		n=$(find "/proc/$daemon/fd" -lname 'anon_inode:\[perf_event\]' | wc -l)
		[ "$n" != "$1" ] || return 0
		sleep 0.2
	done
	echo "$n events"
	cat "$tmp/daemon.log"
	return 1
}
cpu_returns() {
	events 2 && echo 0 > /sys/devices/system/cpu/cpu1/online && events 1
	local status=$?
	echo 1 > /sys/devices/system/cpu/cpu1/online
	[ $status = 0 ] && events 2
}
ok "a CPU that comes back is watched again" cpu_returns
ok "SIGTERM ends it with status 0" sh -c "kill $daemon"
wait "$daemon"
ok "it did" test $? = 0
ok "nothing samples afterwards" sh -c 'ringtool info | tee /dev/stderr | grep -q "\"state\":0"'
ok "the daemon comes again" start_daemon
ok "${RINGPROF_DAEMON_KILLS:-5} times killed, the next one takes over" kill_daemons
kill "$daemon"
wait "$daemon"
ok "the one that took over a running sampler stops it at its own end" \
	sh -c 'ringtool info | tee /dev/stderr | grep -q "\"state\":0"'
ok "the module can go" unload
ok "record by the command alone, without a daemon" sh -c "insmod $RINGPROF_KO &&
	ringprof record --source kmod -F 499 -o $tmp/rec.pb.gz -- deep 22 3 &&
	pprof -top $tmp/rec.pb.gz | tee /dev/stderr | grep deep_leaf"
# what `make run` starts, which loads the module by insmod
run_by_hand() {
	local status=1 pid said=$tmp/run.log
	unload
	RINGPROF_RUN_DIR=$tmp/run scripts/run --listen=127.0.0.1:4198 > "$said" 2>&1 &
	pid=$!
	for _ in $(seq 60); do
		grep -q 'flame graph of this host' "$said" && break
		sleep 1
	done
	build/ringprof status --socket "$tmp/run/ringprofd.sock" > "$tmp/status"
	grep -qx Y /sys/module/ringprof/parameters/off && grep '^source   perf.*switched off' "$tmp/status" && status=0
	kill $pid
	wait $pid
	[ $status = 0 ] || cat "$said" "$tmp/status"
	unload
	return $status
}
ok "make run keeps to ringprof.off=1 on the kernel's command line" with_cmdline ringprof.off=1 run_by_hand
