# SPDX-License-Identifier: GPL-2.0
# Ways to abuse the module, for the parts that do. Sourced after suite_lib.sh.
#
#   $seconds, $seed     how long each way takes, what is random (RINGPROF_ABUSE_SECONDS, _SEED)
#   sane                whatever was set and started, a recording whose figures hold
#   sampled COMMAND...  while every CPU is sampled as fast as can be
#   ends_of END,END... COMMAND...
#                       the same, read: its stacks end so, a number each of enum ringprof_end
#   both VERB ARG SEED  tests/vm/abuse once a CPU
# shellcheck shell=bash disable=SC2154,SC2015
seconds=${RINGPROF_ABUSE_SECONDS:-3} seed=${RINGPROF_ABUSE_SEED:-$(date +%s)}
deep=$(command -v deep)

# sane: whatever was set and started, a recording whose figures hold. As long as it takes:
# an emulated CPU of a busy host, or of a kernel that checks everything, has few samples a second.
sane() {
	local long
	ringtool stop && ringtool set -b 0 || return 1
	for long in 2 4 8 16 32; do
		record "$tmp/r" -F 499 -s "$tmp/s" -- "$deep" 22 $long || return 1
		[ "$(wc -l < "$tmp/s")" -lt 300 ] || break
	done
	tests/vm/check counters "$tmp/r" > "$tmp/sane" && tests/vm/check deep "$tmp/s" "$deep" 22 main > "$tmp/sane" ||
		{ cat "$tmp/sane"; return 1; }
}
# after NAME: what has to hold then
after() { ok "$1: samples are right and counters add up" sane; }
# both VERB ARGUMENT SEED: once a CPU, in parallel
both() {
	local st=0 a
	abuse "$1" "$2" "$3" > "$tmp/both" & a=$!
	abuse "$1" "$2" $(($3 + 1)) || st=1
	wait $a || st=1
	cat "$tmp/both"
	return $st
}

cgroup_churn() {
	local root=/sys/fs/cgroup i
	[ -e $root/cgroup.procs ] || root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$root" ] || { echo "no cgroup2 is mounted"; return 1; }
	for i in $(seq $((seconds * 8))); do
		mkdir -p "$root/abuse-$((i % 4))/deep" || return 1
		sh -c "echo 0 > $root/abuse-$((i % 4))/deep/cgroup.procs; exec shares 0.05" > /dev/null
		rmdir "$root/abuse-$((i % 4))/deep" "$root/abuse-$((i % 4))" || return 1
	done
	echo "$i cgroups came and went"
}
# who holds the device; they end their turn and wait while there is $tmp/hold
device_users() {
	while :; do
		abuse device 500 $RANDOM
		while [ -e "$tmp/hold" ]; do sleep 0.1; done
	done
}
# A kernel that checks everything is too slow for a moment to come by chance in which
# nobody has the device: there those who hold it are sent away, messages go on.
away() {
	[ -n "${RINGPROF_DEBUG:-}" ] || return 0
	touch "$tmp/hold"
	while pgrep -xf 'abuse device .*' > /dev/null; do sleep 0.1; done
}
# what is sampled, and what the module keeps books of, meanwhile
churn_of() {
	local cpu=/sys/devices/system/cpu/cpu1/online seconds=1
	case $1 in
	sampling) ringtool start -F 4999 -D 512 -B 0; sleep 0.3 ;;
	stacks) abuse stacks 1 $RANDOM; abuse chains 1 $RANDOM ;;
	processes) forkstorm 1 ;;
	cgroups) ! has_cgroup2 || cgroup_churn; sleep 0.1 ;;
	cpus) [ ! -w $cpu ] || { echo 0 > $cpu; sleep 0.2; echo 1 > $cpu; }; sleep 0.2 ;;
	netlink) abuse netlink 500 $RANDOM ;;
	esac
}
# ends with the turn that it is in: a CPU that went is back
churn() { while [ ! -e "$tmp/calm" ]; do churn_of "$1"; done; }
# everything at once, with the module coming and going under it
module_churn() {
	local end=$((SECONDS + seconds)) n=0 sampling=0 refused=0 pids="" what users
	rm -f "$tmp/calm"
	for what in sampling stacks processes cgroups cpus netlink; do
		churn $what > /dev/null 2>&1 &
		pids="$pids $!"
	done
	device_users > /dev/null 2>&1 &
	users=$!
	while [ $SECONDS -lt $end ] || { [ $n -lt 3 ] && [ $SECONDS -lt $((end + 60)) ]; }; do
		away
		what=$(ringtool info 2> /dev/null | grep -c '"state":1')
		rmmod ringprof 2> /dev/null && n=$((n + 1)) && sampling=$((sampling + what)) || refused=$((refused + 1))
		loaded || insmod "$RINGPROF_KO" || { echo "insmod after $n"; return 1; }
		rm -f "$tmp/hold"
	done
	touch "$tmp/calm"
	# shellcheck disable=SC2086
	kill $users && wait $pids $users 2> /dev/null
	pkill -x abuse
	while pgrep -x abuse > /dev/null; do sleep 0.1; done
	echo "unloaded $n times, $sampling of them while it sampled, refused $refused times"
	[ $n -ge 3 ]
}
sampled() { # COMMAND...: while it runs, every CPU is sampled as fast as can be
	ringtool start -F 10000 -D 512 -B 0 || return 1
	"$@"
	local st=$?
	ringtool stop && return $st
}
# Judged on the way: there is no room here for all stacks of a minute, each of hundreds of frames.
ends_of() (
	set -o pipefail
	ends=$1
	shift
	# the report is read behind the last stack
	# shellcheck disable=SC2094
	ringtool record -F 10000 -D 512 -B 0 -s /dev/fd/3 -o "$tmp/said" -- "$@" 3>&1 > "$tmp/r" |
		tests/vm/check ends "$tmp/r" "$ends" && cat "$tmp/said"
)
hotplug_storm() {
	local cpu=/sys/devices/system/cpu/cpu1/online i end=$((SECONDS + seconds))
	for ((i = 0; SECONDS < end; i++)); do
		echo 0 > $cpu && echo 1 > $cpu || return 1
	done
	echo "CPU 1 went $i times"
}
# swap in memory: there is no disk
zram=/sys/block/zram0
swap_on() { echo 64M > $zram/disksize && mkswap /dev/zram0 && swapon /dev/zram0; }
# its memory goes with it
swap_off() { swapoff /dev/zram0 && echo 1 > $zram/reset; }
swapped_out() { awk '$1 == "pswpout" { print $2 }' /proc/vmstat; }
swapping() { echo "$1 pages went"; [ "$1" -gt 0 ]; }
stack_lies() { both stacks "$seconds" "$seed" && both chains "$seconds" "$seed"; }
