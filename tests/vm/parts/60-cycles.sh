# SPDX-License-Identifier: GPL-2.0
# Again and again: load, start, CPUs off and on line, readers killed.
# shellcheck shell=bash disable=SC2154,SC2015
cycles=${RINGPROF_CYCLES:-10} starts=${RINGPROF_STARTS:-50} kills=${RINGPROF_KILLS:-20}

load_cycles() {
	local i
	for i in $(seq 1 "$cycles"); do
		unload && load && ringtool start -F 1999 || { echo "cycle $i"; return 1; }
		[ $((i % 2)) = 0 ] || ringtool stop || return 1
	done
	unload && load
}

start_cycles() {
	local i
	for i in $(seq 1 "$starts"); do
		ringtool start -F $((100 + i * 97 % 5000)) && ringtool stop || { echo "cycle $i"; return 1; }
	done
}

hotplug() {
	local i cpu=/sys/devices/system/cpu/cpu1/online
	for i in $(seq 1 10); do
		echo 0 > $cpu && sleep 0.2 && echo 1 > $cpu && sleep 0.2 || { echo "cycle $i"; return 1; }
	done
}

kill_readers() {
	local i pid
	for i in $(seq 1 "$kills"); do
		ringtool record -F 1999 -d 10 > /dev/null 2>&1 &
		pid=$!
		sleep "0.$((RANDOM % 9))$((RANDOM % 9))"
		kill -9 $pid
		wait $pid 2> /dev/null
	done
	[ -z "$(pgrep ringtool)" ]
}

echo "# figure: $cycles load cycles, $starts start cycles, $kills kills"
busy_cpus
unload
load
unload
before=$(kernel_kib)
ok "$cycles times load, start, unload under load" load_cycles
ok "$starts times start, stop under load" start_cycles
if [ -w /sys/devices/system/cpu/cpu1/online ]; then
	ringtool start -F 999
	ok "a CPU goes off and on line while sampling" hotplug
	ringtool stop
	ok "record after that" record "$tmp/r" -F 499 -d 3
	judge "counters add up after that" tests/vm/check counters "$tmp/r"
	(sleep 1; hotplug) > /dev/null 2>&1 &
	plug=$!
	ok "record while a CPU goes off and on line" record "$tmp/r" -F 499 -d 7
	wait $plug
	judge "counters add up meanwhile" tests/vm/check counters "$tmp/r"
	away() {
		local st=0
		ringtool set -r 0x20000 && ringtool start && ringtool stop || return 1
		echo 0 > /sys/devices/system/cpu/cpu1/online
		ringtool set -r 0x80000 && ringtool start || st=1
		echo 1 > /sys/devices/system/cpu/cpu1/online
		ringtool record -a -d 1 > "$tmp/away" || st=1
		ringtool stop && ringtool set || st=1
		[ $st = 0 ] && python3 -c 'import json, sys
sizes = [c["head"]["data_size"] for c in json.load(open(sys.argv[1]))["cpus"]]
print(sizes)
sys.exit(len(sizes) < 2 or {*sizes} != {0x80000})' "$tmp/away"
	}
	ok "a CPU that was away has the ring size set meanwhile" away
else
	skip "CPUs off and on line" "this guest's CPU 1 cannot go"
fi
ok "$kills readers killed" kill_readers
ok "sampling went on without a reader, and stops" ringtool stop
ok "record after that" record "$tmp/r" -F 499 -d 3
judge "counters add up after that" tests/vm/check counters "$tmp/r"
ok "unload while sampling" sh -c "ringtool start && rmmod ringprof"
idle_cpus
after=$(kernel_kib)
echo "# figure: kernel memory $before KiB before, $after KiB after all cycles"
ok "the memory came back (4 MiB)" test $((after - before)) -lt 4096
ok "no module left" sh -c '! grep -q "^ringprof " /proc/modules'
