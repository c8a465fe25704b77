# SPDX-License-Identifier: GPL-2.0
# Every overflow ends in one counter, also when the reader sleeps or lies.
# shellcheck shell=bash disable=SC2154,SC2015
load
busy_cpus
ok "record on busy CPUs" record "$tmp/r" -F 499 -d 5
judge "counters add up on busy CPUs" tests/vm/check counters "$tmp/r"
ok "record with a stopped reader" record "$tmp/r" -F 4999 -r 16384 -n -d 4
judge "counters add up with full rings" tests/vm/check counters "$tmp/r" full ring=16384
ok "record with a lying reader" record "$tmp/r" -F 999 -t -d 4
judge "counters add up with bad tails" tests/vm/check counters "$tmp/r" bad-tail
ok "record with a small trie" record "$tmp/r" -F 1999 -b 2048 -d 15 -- mixed 15
judge "counters add up over many epochs" tests/vm/check counters "$tmp/r" epochs
idle_cpus
# more than perf allows between two ticks, where there are no ticks
ok "record on idle CPUs" record "$tmp/r" -F 1999 -d 3
judge "counters add up on idle CPUs" tests/vm/check counters "$tmp/r"
