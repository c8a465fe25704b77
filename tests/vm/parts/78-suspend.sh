# SPDX-License-Identifier: GPL-2.0
# The beginning and the end of a suspend while every CPU is sampled, by the kernel's own
# test of it at level "freezer": every task is stopped and goes on. From the next level on devices
# are suspended as well, which the guest does not outlive, with the module or without:
# its root comes over virtio's 9p, a driver that cannot be suspended. CPUs that go down
# and come up, as they do on that way, are part abuse's.
# shellcheck shell=bash disable=SC2154,SC2015
. tests/vm/abuse_lib.sh
pm=/sys/power

# The kernel's test spins in between, for 5 s if it is not asked to do less: on an
# emulated CPU so long that its own watchdogs speak of it.
suspend() {
	local st=0
	echo 1 > /sys/module/suspend/parameters/pm_test_delay && echo freezer > $pm/pm_test || return 1
	echo mem > $pm/state || st=1
	echo none > $pm/pm_test
	return $st
}
times() { dmesg | grep -c 'suspend debug: Waiting'; }
suspended() {
	local i
	ringtool start -F 499 || return 1
	for i in 1 2 3; do
		sleep 1
		suspend || return 1
	done
	[ "$(times)" = 3 ] || { echo "the kernel was down $(times) times"; return 1; }
	# it is still the same start
	ringprof stats --cpu --json > "$tmp/back" && sleep 5 && ringprof stats --cpu --json > "$tmp/later" && ringtool stop
}

if [ -w $pm/pm_test ] && grep -qw mem $pm/state; then
	load
	memory=$(kernel_kib)
	busy_cpus
	ok "all tasks frozen and thawed three times while it samples" suspended
	idle_cpus
	judge "every CPU is sampled on, counters add up" tests/vm/check grown "$tmp/back" "$tmp/later" 500
	after "suspend"
	unload
	echo "# figure: kernel memory $memory KiB before, $(kernel_kib) KiB after"
	ok "the memory came back (4 MiB)" test $(($(kernel_kib) - memory)) -lt 4096
else
	skip "suspend and resume" "this kernel has no test of suspend"
fi
