# SPDX-License-Identifier: GPL-2.0
# Deep stacks reach their roots; user frames stand above kernel frames.
# shellcheck shell=bash disable=SC2154,SC2015
load
for n in 22 120 400; do
	ok "record $n frames" record "$tmp/r" -F 499 -s "$tmp/s" -- deep $n 2
	judge "$n frames reach main" tests/vm/check deep "$tmp/s" build/workloads/deep $n main
	ok "record $n frames, own _start" record "$tmp/r" -F 499 -s "$tmp/s" -- deep-start $n 2
	judge "$n frames reach an own _start" tests/vm/check deep "$tmp/s" build/workloads/deep-start $n _start
	ok "record $n frames in a thread" record "$tmp/r" -F 499 -s "$tmp/s" -- deep $n 2 thread
	judge "$n frames reach the thread's root" tests/vm/check deep "$tmp/s" build/workloads/deep $n deep_thread
done
ok "record kernelheavy" record "$tmp/r" -F 999 -s "$tmp/s" -- kernelheavy 4
judge "kernel frames below known user frames" tests/vm/check kernel "$tmp/s" build/workloads/kernelheavy \
	main heavy_loop heavy_read
ok "record dd" record "$tmp/r" -F 999 -s "$tmp/s" -d 4 -- dd if=/dev/zero of=/dev/null bs=1M
judge "dd: kernel frames below its call" tests/vm/check dd "$tmp/s"
judge "counters add up" tests/vm/check counters "$tmp/r"
