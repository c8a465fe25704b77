# SPDX-License-Identifier: GPL-2.0
# 70/20/10 comes back within the binomial bound, one program on each of two
# CPUs, and CPU time by samples is the kernel's CPU time.
#
# Where the host takes the CPUs away for long, ticks are missed and the second
# says little (it prints how many): `tests/vm/run --icount -- tests/vm/suite.sh
# shares` has a clock that stands still then, and no excuse. Sizes:
# RINGPROF_SECONDS of each run (22), RINGPROF_MIN_SAMPLES of each program (2000).
# shellcheck shell=bash disable=SC2154,SC2015
load
secs=${RINGPROF_SECONDS:-22} least=${RINGPROF_MIN_SAMPLES:-2000} last=$(($(nproc) - 1))
for run in $(seq 1 "${RINGPROF_RUNS:-1}"); do
	first=
	if [ $last -gt 0 ]; then
		taskset -c 0 shares "$secs" > "$tmp/truth0" &
		first=$!
	fi
	ok "record shares, run $run" record "$tmp/r" -F 499 -a -s "$tmp/s" -o "$tmp/truth1" \
		-- taskset -c $last shares "$secs"
	if [ -n "$first" ]; then
		wait "$first"
		judge "shares of the program on CPU 0, run $run" env MIN_SAMPLES="$least" \
			tests/vm/check shares "$tmp/s" "$tmp/truth0" build/workloads/shares
	fi
	judge "shares of the program on CPU $last, run $run" env MIN_SAMPLES="$least" \
		tests/vm/check shares "$tmp/s" "$tmp/truth1" build/workloads/shares
	judge "counters add up, run $run" tests/vm/check counters "$tmp/r"
done
ok "record a half idle program" record "$tmp/r" -F 499 -s "$tmp/s" -o "$tmp/truth" -- \
	halfidle "$secs"
judge "CPU time by samples" tests/vm/check cputime "$tmp/s" "$tmp/truth" "$tmp/r"
judge "counters add up" tests/vm/check counters "$tmp/r"
