# SPDX-License-Identifier: GPL-2.0
# What those who may use the module can do to it, and programs that are sampled:
# tests/vm/abuse. After each way the counters still add up, and at the end the
# memory is back. The console is looked at when the guest has ended (tests/vm/run).
#   RINGPROF_ABUSE_MESSAGES  netlink messages of each CPU (10000; make check-abuse has 1000000)
#   RINGPROF_ABUSE_ROUNDS    calls on the device, of each CPU (10000; 1000000)
#   RINGPROF_ABUSE_SECONDS   of each other way (3; 60)
#   RINGPROF_ABUSE_SEED      what is random (the time)
# shellcheck shell=bash disable=SC2154,SC2015
. tests/vm/abuse_lib.sh
messages=${RINGPROF_ABUSE_MESSAGES:-10000} rounds=${RINGPROF_ABUSE_ROUNDS:-10000}

# Every allocation may be the one, not those alone that cannot wait; without a word of it
fail_all_allocations() {
	local d=/sys/kernel/debug f
	[ -d $d/failslab ] || mount -t debugfs none $d
	for f in "$d"/fail*/ignore-gfp-* "$d"/fail_page_alloc/min-order "$d"/fail*/verbose; do
		[ ! -e "$f" ] || echo 0 > "$f"
	done
}

echo "# figure: seed $seed"
load
ringtool set
modprobe -q zram
memory=$(kernel_kib)
[ ! -e $zram ] || ok "swap" swap_on
out=$(swapped_out)
judge "stacks made to fool, random chains" sampled stack_lies
# of what the lies are about: 3 FP_RANGE, 4 FP_ORDER, 5 FAULT, 7 DEPTH
judge "the walk met the lies" ends_of 3,4,5 abuse stacks "$seconds" "$seed"
judge "and the chains" ends_of 7 abuse chains "$seconds" "$seed"
# the same by rows, of the frame pointer and of the stack pointer: 17 CFA_ORDER, 18 SP_RANGE
judge "rows of who lies" rowtool "$(command -v abuse)" "$(command -v abuse-rows)"
judge "by rows the walk met the lies of a frame pointer" ends_of 5,17,18 abuse stacks "$seconds" "$seed"
judge "and of a stack pointer" ends_of 5,18 abuse-rows stacks "$seconds" "$seed"
if [ -e $zram ]; then
	judge "pages were swapped out meanwhile" swapping $(($(swapped_out) - out))
	ok "no swap any more" swap_off
else
	skip "pages swapped out meanwhile" "this kernel has no zram"
fi
after "stacks"
judge "a reader's page that says anything" sampled abuse lie "$seconds" "$seed"
after "a lying page"
judge "the device by any call" sampled both device "$rounds" "$seed"
after "the device"
judge "random netlink messages" both netlink "$messages" "$seed"
after "netlink"
if has_cgroup2; then
	judge "cgroups come and go" sampled cgroup_churn
	after "cgroups"
else
	skip "cgroups come and go" "this kernel has no cgroup2"
fi
judge "fork, exec, exit" sampled forkstorm "$seconds"
after "a fork storm"
if [ -w /sys/devices/system/cpu/cpu1/online ]; then
	judge "CPUs come and go" sampled hotplug_storm
	after "CPUs"
else
	skip "CPUs come and go" "this guest's CPU 1 cannot go"
fi
judge "the module comes and goes under all of it" module_churn
load
after "that"
if [ -n "${RINGPROF_DEBUG:-}" ] || [ -e /proc/self/fail-nth ]; then
	fail_all_allocations
	unload
	busy_cpus
	judge "the Nth allocation fails, for every N" abuse alloc "$RINGPROF_KO" "$deep"
	idle_cpus
	after "failed allocations"
else
	skip "the Nth allocation fails, for every N" "make check-debug's kernel alone lets allocations fail"
fi
unload
echo "# figure: kernel memory $memory KiB before, $(kernel_kib) KiB after"
ok "the memory came back (4 MiB)" test $(($(kernel_kib) - memory)) -lt 4096
