# SPDX-License-Identifier: GPL-2.0
# 70/20/10 comes back within the binomial bound, one program on each CPU, and
# CPU time by samples is the kernel's CPU time.
# shellcheck shell=bash disable=SC2154,SC2015
load
for run in $(seq 1 "${RINGPROF_RUNS:-3}"); do
	taskset -c 0 shares 22 > "$tmp/truth0" &
	first=$!
	ok "record shares, run $run" record "$tmp/r" -F 499 -a -s "$tmp/s" -o "$tmp/truth1" \
		-- taskset -c 1 shares 22
	wait $first
	judge "shares of the program on CPU 0, run $run" env MIN_SAMPLES=5000 tests/vm/check shares "$tmp/s" \
		"$tmp/truth0" build/workloads/shares
	judge "shares of the program on CPU 1, run $run" env MIN_SAMPLES=5000 tests/vm/check shares "$tmp/s" \
		"$tmp/truth1" build/workloads/shares
	judge "counters add up, run $run" tests/vm/check counters "$tmp/r"
done
ok "record a half idle program" record "$tmp/r" -F 499 -s "$tmp/s" -o "$tmp/truth" -- halfidle 20
judge "CPU time by samples" tests/vm/check cputime "$tmp/s" "$tmp/truth" "$tmp/r"
judge "counters add up" tests/vm/check counters "$tmp/r"
