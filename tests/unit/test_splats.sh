#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The scanner that judges every VM run: each kind of complaint is seen, an
# ordinary boot is not taken for one, and an empty log is no clean log.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

boot='[    0.000000] Linux version 6.1.0-56-amd64 (x@y) (gcc-12) #1 SMP
[    0.000000] Command line: console=ttyS0
[    0.312311] Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on, data leaks possible
[    0.400000] RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable to RETBleed attacks
[    0.500000] kasan: KernelAddressSanitizer initialized
[    0.600000] rcu: Preemptible hierarchical RCU implementation.
[    0.610000] rcu:     RCU debug extended QS entry/exit.
[    0.620000] rcu:     RCU callback double-/use-after-free debug is enabled.
[    0.700000] kmemleak: Kernel memory leak detector initialized (mem pool available: 15000)
[    0.800000] NMI watchdog: Perf NMI watchdog permanently disabled
[    1.000000] Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar
[    2.000000] Run /init as init process'
module='[    9.000000] ringprof: loading out-of-tree module taints kernel.
[    9.000001] ringprof: module verification failed: signature and/or required key missing
[   10.000000] perf: interrupt took too long (2521 > 2500), lowering kernel.perf_event_max_sample_rate
[   11.000000] traps: prog[123] general protection fault ip:401136 sp:7ffd0 error:0 in prog[401000+1000]
[   11.100000] prog[124]: segfault at 0 ip 00401136 sp 00007ffd error 6 in prog[401000+1000]
[   11.200000] traps: prog[125] trap invalid opcode ip:40113a sp:7ffe error:0 in prog[401000+1000]'

# scan WANTED-STATUS TEXT
scan() {
	printf '%s\n' "$2" > "$tmp/log"
	tests/vm/splats "$tmp/log" > "$tmp/out"
	local st=$?
	[ $st = "$1" ] || { echo "status $st, not $1"; cat "$tmp/out"; return 1; }
}

# seen NAME LINE: this line after a boot is a complaint, with a serial
# console's line ends and another time stamp as well, and it is printed
seen() {
	ok "$1" scan 1 "$boot
$2"
	ok "$1: printed" grep -qF "${2##*] }" "$tmp/out"
	ok "$1: with caller stamps and CR" scan 1 "$boot
$(printf '%s' "$2" | sed 's/^\(\[[^]]*\]\)/\1[  T123]/; s/$/\r/')"
}

ok "an ordinary boot is clean" scan 0 "$boot"
ok "a module and crashing programs are none of the kernel's trouble" scan 0 "$boot
$module"
ok "an empty log is no clean log" scan 2 ""
ok "a log without a boot is no clean log" scan 2 "hello
world"
ok "a missing log is no clean log" sh -c 'tests/vm/splats /nonexistent; [ $? = 2 ]'
ok "no log is no clean log" sh -c 'tests/vm/splats; [ $? = 2 ]'

seen "BUG" '[   12.3] BUG: kernel NULL pointer dereference, address: 0000000000000008'
seen "BUG from slub" '[   12.3] BUG kmalloc-64 (Tainted: G           O      ): Poison overwritten'
seen "page fault" '[   12.3] BUG: unable to handle page fault for address: ffffc90000a3f000'
seen "WARNING" '[   12.3] WARNING: CPU: 1 PID: 77 at kernel/events/core.c:5000 f+0x1/0x2 [ringprof]'
seen "NMI that nobody took" '[   12.3] Uhhuh. NMI received for unknown reason 2c on CPU 0.'
seen "MSR that is not there" '[   12.3] unchecked MSR access error: WRMSR to 0x38f (tried to write 0x0) at rIP: 0xffffffff81012345 (f+0x1/0x2)'
seen "kernel BUG" '[   12.3] kernel BUG at mm/slub.c:4000!'
seen "Oops" '[   12.3] Oops: 0000 [#1] PREEMPT SMP NOPTI'
seen "general protection" '[   12.3] general protection fault, probably for non-canonical address 0xdead: 0000 [#1]'
seen "lockdep circular" '[   12.3] WARNING: possible circular locking dependency detected'
seen "lockdep recursive (older)" '[   12.3] INFO: possible recursive locking detected'
seen "lockdep irq" '[   12.3] WARNING: inconsistent lock state'
seen "RCU use" '[   12.3] WARNING: suspicious RCU usage'
seen "KASAN" '[   12.3] BUG: KASAN: slab-out-of-bounds in f+0x10/0x20'
seen "UBSAN" '[   12.3] UBSAN: array-index-out-of-bounds in kernel/x.c:1:2'
seen "soft lockup" '[   12.3] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [x:1]'
seen "hard lockup" '[   12.3] NMI watchdog: Watchdog detected hard LOCKUP on cpu 0'
seen "RCU stall" '[   12.3] rcu: INFO: rcu_preempt self-detected stall on CPU'
seen "RCU stall elsewhere" '[   12.3] rcu: INFO: rcu_sched detected stalls on CPUs/tasks:'
seen "RCU starved" '[   12.3] rcu: rcu_preempt kthread starved for 5000 jiffies! g100 f0x0'
seen "hung task" '[   12.3] INFO: task kworker/0:1:12 blocked for more than 120 seconds.'
seen "kmemleak, not asked" '[   12.3] kmemleak: no scan was made'
seen "kmemleak" '[   12.3] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)'
seen "atomic" '[   12.3] BUG: scheduling while atomic: swapper/0/0/0x00010002'
seen "sleeping" '[   12.3] BUG: sleeping function called from invalid context at mm/slab.h:400'
seen "Call Trace" '[   12.3] Call Trace:'
seen "debug objects" '[   12.3] ODEBUG: free active (active state 0) object type: timer_list hint: f+0x0/0x1'
seen "list corruption" '[   12.3] list_del corruption. prev->next should be ffff8880, but was dead'
seen "refcount" '[   12.3] refcount_t: underflow; use-after-free.'
seen "panic" '[   12.3] Kernel panic - not syncing: Fatal exception in interrupt'
done_testing
