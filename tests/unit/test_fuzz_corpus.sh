#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every input of tests/fuzz/corpus/NAME/ through its target, under ASan and
# UBSan: what was found once must stay mended. A corpus without a target, or a
# target without inputs, is an error.
# shellcheck source=tests/lib/tap.sh
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
build=build/asan

# the flags of check-unit's programs: they share the library
programs() {
	make --no-print-directory BUILD=$build OPT='-O1 -g -fno-omit-frame-pointer' \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined' fuzz-replays
}
ok "replay programs build" programs

replay() {
	local files=("tests/fuzz/corpus/$1"/*) n
	[ -e "${files[0]}" ] || { echo "no inputs in tests/fuzz/corpus/$1"; return 1; }
	n=$(timeout 60 "$build/tests/fuzz/replay_$1" "${files[@]}") || return 1
	[ "$n" = ${#files[@]} ]
}
for src in tests/fuzz/fuzz_*.c; do
	[ -e "$src" ] || continue
	name=${src#tests/fuzz/fuzz_}
	ok "corpus of ${name%.c}" replay "${name%.c}"
done
for dir in tests/fuzz/corpus/*/; do
	[ -e "$dir" ] || continue
	name=$(basename "$dir")
	ok "corpus $name has its target" test -e "tests/fuzz/fuzz_$name.c"
done
done_testing
