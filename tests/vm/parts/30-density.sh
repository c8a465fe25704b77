# SPDX-License-Identifier: GPL-2.0
# Bytes in the ring per sample. One CPU; the module is loaded afresh, so that
# the trie is cold.
# shellcheck shell=bash disable=SC2154,SC2015
unload
load
ok "record the steady load" record "$tmp/r" -c 0 -F 199 -d 10 -- taskset -c 0 steady 10
judge "bytes per sample, steady load" tests/vm/check density "$tmp/r" 48
judge "counters add up" tests/vm/check counters "$tmp/r"
unload
load
if command -v go > /dev/null; then
	ok "record the Go compiler" record "$tmp/r" -c 0 -F 199 -d "${RINGPROF_MIXED_FP:-30}" -- \
		taskset -c 0 mixed "${RINGPROF_MIXED_FP:-30}" go
	# it walks trees by recursion: a third of each stack is new
	judge "bytes per sample, a compiler with frame pointers" tests/vm/check density "$tmp/r" 90 15
	judge "counters add up" tests/vm/check counters "$tmp/r"
else
	skip "bytes per sample, a compiler with frame pointers" "no go here"
fi
unload
load
ok "record the mixed load" record "$tmp/r" -c 0 -F 199 -d "${RINGPROF_MIXED_FP:-30}" -- \
	taskset -c 0 mixed "${RINGPROF_MIXED_FP:-30}"
judge "bytes per sample, mixed load" tests/vm/check density "$tmp/r" 90
judge "counters add up" tests/vm/check counters "$tmp/r"
unload
load
# The same with whole stacks, by the rows of all that runs in it
cc1plus=$(g++ -print-prog-name=cc1plus) python=$(python3 -c 'import sys; print(sys.executable)')
# shellcheck disable=SC2046
judge "rows of the compiler, the assembler, CPython and their libraries" rowtool "$cc1plus" \
	"$(command -v as)" "$python" $(for f in "$cc1plus" "$(command -v as)" "$python"; do
		ldd "$f" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }'
	done | sort -u)
ok "record the mixed load, whole stacks" record "$tmp/r" -c 0 -F 199 -d "${RINGPROF_MIXED:-30}" -- \
	taskset -c 0 mixed "${RINGPROF_MIXED:-30}"
judge "bytes per sample, mixed load, whole stacks" tests/vm/check density "$tmp/r" 90 10
judge "counters add up" tests/vm/check counters "$tmp/r"
# its tables are not for the parts behind
unload
load
