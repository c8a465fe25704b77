# SPDX-License-Identifier: GPL-2.0
# What interrupts do while their CPU has nothing else to do is work: softirqs that come every 6.8 ms, out of
# step with samples. The recording is there before they are, and after. How much of it is there: where the
# clock counts instructions. Else an emulated CPU that waits wakes up late, for the sample's timer and theirs
# at once, so that their first millisecond has no other, and on a busy host much more is lost.
# shellcheck shell=bash disable=SC2154,SC2015
. tests/vm/nmi_lib.sh
cpu=$(($(nproc) - 1))

idle_softirqs() {
	local r before
	ringtool record -F 999 -s "$tmp/s" -d 14 > "$tmp/r" 2> "$tmp/r.err" &
	r=$!
	sampling || return 1
	before=$(cat $switch/softirq_ns)
	taskset -c $cpu sh -c "echo 1700 > $switch/softirq_us"
	sleep 8
	echo 0 > $switch/softirq_us
	wait $r || { cat "$tmp/r.err"; return 1; }
	tests/vm/check softirq "$tmp/s" "$tmp/r" $(($(cat $switch/softirq_ns) - before)) ${RINGPROF_ICOUNT:+exact}
}

unload
ok "the module that tests may call, and the one that has softirqs" load_nmi
judge "what softirqs take of an idle CPU is there" idle_softirqs
ok "both modules can go" sh -c "rmmod ringprof_nmi && rmmod ringprof"
