# SPDX-License-Identifier: GPL-2.0
# Stacks of programs without frame pointers reach their roots by unwind rows:
# deep ones, a thread's, and deeper than the default; without rows they do not.
# shellcheck shell=bash disable=SC2154,SC2015
load
prog=$(command -v deep-rows)
root=15 # RINGPROF_END_ROOT
libs() { ldd "$1" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }'; }

ok "record without rows" record "$tmp/r" -F 499 -s "$tmp/s" -- deep-rows 22 2
stumps() {
	exits 1 tests/vm/check deep "$tmp/s" "$prog" 22 main > "$tmp/stumps" &&
		awk '$2 == "of" && $4 == "reach" { few = $3 >= 100 && $1 <= $3 / 50 } END { exit !few }' "$tmp/stumps" || { cat "$tmp/stumps"; return 1; }
}
ok "there the stacks are stumps" stumps
# shellcheck disable=SC2046
judge "rows of the program, its libraries and the vDSO" rowtool "$prog" $(libs "$prog")
for n in 22 400; do
	ok "record $n frames" record "$tmp/r" -F 499 -s "$tmp/s" -- deep-rows $n 3
	judge "$n frames reach the root" tests/vm/check deep "$tmp/s" "$prog" $n main $root
	ok "record $n frames in a thread" record "$tmp/r" -F 499 -s "$tmp/s" -- deep-rows $n 3 thread
	judge "$n frames reach the thread's root" tests/vm/check deep "$tmp/s" "$prog" $n deep_thread $root
done
ok "record 2000 frames" record "$tmp/r" -F 499 -D 2048 -s "$tmp/s" -- deep-rows 2000 3
judge "2000 frames reach the root" tests/vm/check deep "$tmp/s" "$prog" 2000 main $root
judge "counters add up" tests/vm/check counters "$tmp/r"
for sizes in "-r 16384" "-b 2048"; do
	# shellcheck disable=SC2086
	ok "such stacks and sizes that never hold one are refused ($sizes)" exits 22 ringtool set -D 2048 $sizes
	# shellcheck disable=SC2086
	ok "1024 frames are held ($sizes)" ringtool set -D 1024 $sizes
done
ok "the usual settings again" ringtool set
# A uretprobe puts the return addresses of a function away: who called it nobody can tell.
uretprobe=21 # RINGPROF_END_URETPROBE
tracing=/sys/kernel/tracing
# probed PROGRAM: of its stacks, all that are of the recursion end there and not at something made up
probed() {
	local at offset vaddr status=0
	at=$(nm "$1" | awk '$3 == "deep_recurse" { print "0x" $1 }')
	read -r offset vaddr <<< "$(readelf -lW "$1" | awk '$1 == "LOAD" && / R E / { print $2, $3 }')"
	echo "r:ringprof/deep $1:$(printf '0x%x' $((at - vaddr + offset)))" > $tracing/uprobe_events &&
		echo 1 > $tracing/events/ringprof/deep/enable || return 1
	record "$tmp/r" -F 499 -s "$tmp/s" -- "$1" 22 3 || status=1
	echo 0 > $tracing/events/ringprof/deep/enable
	echo > $tracing/uprobe_events
	[ $status = 0 ] && tests/vm/check probed "$tmp/s" "$1" $uretprobe
}
if grep -q uprobe_events <(ls $tracing 2> /dev/null); then
	# of their own, in memory: probes stand in pages
	cp "$(command -v deep)" "$prog" "$tmp/"
	judge "by frame pointers a stack ends where a uretprobe has been" probed "$tmp/deep"
	# shellcheck disable=SC2046
	judge "rows of the copy" rowtool "$tmp/deep-rows" $(libs "$prog")
	judge "and by rows" probed "$tmp/deep-rows"
else
	skip "a stack ends where a uretprobe has been" "this kernel has no uprobe events"
fi
# No rows are better than another library's: each call() takes another amount of stack. The reader
# must come too late for it to matter, which it does about every second time.
lib_of() { echo "build/workloads/swap-$1.so"; }
swapped() {
	rm -f "$tmp/go"
	swap "$(lib_of 64)" "$(lib_of 640)" "$tmp/go" 1 > "$tmp/swap" 2> "$tmp/swap.err" &
	for _ in $(seq 100); do ! grep -q loaded "$tmp/swap" || break; sleep 0.1; done
	grep -q loaded "$tmp/swap" &&
		record "$tmp/r" -F 499 -a -p $! -s "$tmp/s" -- sh -c "touch $tmp/go; while kill -0 $! 2> /dev/null; do sleep 0.1; done" &&
		wait $! || { cat "$tmp/swap.err"; return 1; }
}
judge "rows of two libraries" rowtool "$(lib_of 64)" "$(lib_of 640)"
for round in 1 2 3 4; do
	ok "one library makes room for the other ($round)" swapped
	judge "the list of the one is not believed any more ($round)" \
		tests/vm/check deep "$tmp/s" "$(command -v swap)" 0 main
done
ringtool table stats | sed 's/^/# figure: /'
unload
