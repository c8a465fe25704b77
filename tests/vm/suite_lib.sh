# SPDX-License-Identifier: GPL-2.0
# What the parts of the VM suite share; sourced by suite.sh.
# shellcheck shell=bash disable=SC2154,SC2015

loaded() { grep -q '^ringprof ' /proc/modules; }
# kernels before 4.5 do not, and there the module tells no cgroup
has_cgroup2() { grep -qw cgroup2 /proc/filesystems; }
# without the governor: a sample costs many times more in an emulated CPU
load() {
	loaded && return 0
	insmod "$RINGPROF_KO" && ringtool set
}

# An open device or a still running sampler must never keep the module in.
unload() {
	loaded || return 0
	rmmod ringprof
}

# with_cmdline WORDS COMMAND...: as if the kernel had been started with these words, too
with_cmdline() {
	local status
	echo "$(cat /proc/cmdline) $1" > "$tmp/cmdline"
	shift
	mount --bind "$tmp/cmdline" /proc/cmdline
	"$@"
	status=$?
	umount /proc/cmdline
	return $status
}

# judge NAME COMMAND...: a test whose figures are worth keeping when it passes
judge() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		pass "$name"
		printf '%s\n' "$out" | sed 's/^/# figure: /'
	else
		fail "$name" "$out"
	fi
}

# exits NUMBER COMMAND...: it ends with this exit status
exits() {
	local want=$1 got=0
	shift
	"$@" || got=$?
	[ "$got" = "$want" ] || { echo "exit status $got, not $want: $*"; return 1; }
}

# COMMAND by a user without rights, and by root of a user name space
nobody() { setpriv --reuid 65534 --clear-groups "$@"; }
foreign_root() { unshare -Ur "$@"; }
# works HOW UID: one of these, which is that user then
works() { [ "$("$1" id -u)" = "$2" ]; }
# refused HOW COMMAND...: with EPERM and ringtool's word for it; what stands before it ends with 1 as well
refused() {
	exits 1 "$@" > "$tmp/refused" 2>&1 && grep -q '^ringtool: .*permi' "$tmp/refused" ||
		{ cat "$tmp/refused"; return 1; }
}

# record OUT OPTION...: one run of ringtool, its report in OUT
record() {
	local out=$1
	shift
	if ! ringtool record "$@" > "$out" 2> "$out.err"; then
		cat "$out.err"
		return 1
	fi
}

# Busy CPUs in the background, until unloaded_cpus
load_pids=
busy_cpus() {
	local c
	for c in $(seq 0 $(($(nproc) - 1))); do
		taskset -c "$c" steady &
		load_pids="$load_pids $!"
	done
}
idle_cpus() {
	# shellcheck disable=SC2086
	kill $load_pids 2> /dev/null
	# shellcheck disable=SC2086
	wait $load_pids 2> /dev/null
	load_pids=
}

# Memory that the module should have given back: of the kernel's own, after caches
kernel_kib() {
	echo 3 > /proc/sys/vm/drop_caches
	sleep 1
	awk '/^(SUnreclaim|Percpu|VmallocUsed|PageTables):/ { n += $2 } END { print n }' /proc/meminfo
}

# "/proc/PID PROGRAM" of each program that runs; what looks is among them, with another PID each time
programs() { find /proc -maxdepth 2 -path '/proc/[0-9]*/exe' -lname '/*' -printf '%h %l\n' 2> /dev/null | sort; }
# Those of part $1 that were not there when the suite began ($tmp/programs), and do not end within some seconds
left_running() {
	for _ in $(seq 10); do
		comm -13 "$tmp/programs" <(programs) > "$tmp/first"
		sleep 0.5
		comm -12 "$tmp/first" <(programs) > "$tmp/still"
		[ -s "$tmp/still" ] || return 0
	done
	sed "s/^/part $1: /" "$tmp/still"
}
empty_or_shown() { ! grep . "$1"; }
