# SPDX-License-Identifier: GPL-2.0
# How soon a new address space has its tables: of those first sampled, nearly all
# are read within 2 ms, while every CPU is busy. Where the clock counts instructions,
# one to the ns; else an emulated CPU's speed would be measured.
# shellcheck shell=bash disable=SC2154,SC2015
if [ "${RINGPROF_ICOUNT:-}" = 1 ]; then
	unload
	load
	prog=$(command -v forkstorm)
	# shellcheck disable=SC2046
	judge "rows of what runs" rowtool "$prog" $(ldd "$prog" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }')
	busy_cpus
	ok "record processes of a moment" record "$tmp/r" -F 4999 -s "$tmp/s" -- forkstorm x400
	idle_cpus
	ringtool table stats > "$tmp/late"
	judge "their mappings are known within 2 ms" tests/vm/check late "$tmp/late" 100 1
else
	echo "# late: measured where the clock counts instructions (tests/vm/run --icount)"
fi
