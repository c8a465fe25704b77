# SPDX-License-Identifier: GPL-2.0
# Over its budget the sampler skips, says so, and counts what it skipped.
# shellcheck shell=bash disable=SC2154,SC2015
load
busy_cpus
ok "record with a budget of 0.1 % of a CPU" record "$tmp/r" -F 4999 -B 10 -d 6
judge "counters add up under the governor" tests/vm/check counters "$tmp/r" governed
idle_cpus
ok "record without a budget" record "$tmp/r" -F 499 -d 3
judge "counters add up, nothing is throttled" tests/vm/check counters "$tmp/r"
