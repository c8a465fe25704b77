#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kernel/user contract: C90, layout kept, versions moved when it moves; and
# the module's sources keep to their rules about kernel versions and symbols.
# shellcheck source=tests/lib/tap.sh
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
header=$PWD/include/uapi/linux/ringprof.h
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# __u64 is long long, which C90 proper has not: -Wno-long-long as the kernel's own check
c90() {
	printf '#include <linux/ringprof.h>\nint main(void) { return 0; }\n' > "$tmp/c90.c"
	"$1" -std=c90 -pedantic -Wall -Wextra -Werror -Wno-long-long -Iinclude/uapi -c \
		-o "$tmp/c90.o" "$tmp/c90.c"
}
cxx() {
	cp "$tmp/c90.c" "$tmp/c90.cc"
	"$1" -Wall -Wextra -Werror -Iinclude/uapi -c -o "$tmp/c90.o" "$tmp/c90.cc"
}
for cc in gcc clang; do
	if command -v $cc > /dev/null; then
		ok "header is C90 for $cc" c90 $cc
	else
		skip "header is C90 for $cc" "no $cc"
	fi
done
if command -v g++ > /dev/null; then
	ok "header is C++" cxx g++
else
	skip "header is C++" "no g++"
fi

asserts() {
	printf '#include "ringprof/abi_check.h"\nint main(void) { return 0; }\n' > "$tmp/a.c"
	gcc -std=gnu11 -Wall -Wextra -Werror -Iinclude -Iinclude/uapi -c -o "$tmp/a.o" "$tmp/a.c"
}
ok "abi_check.h holds" asserts

# every struct and enum of the header is in the layout: awk found them all
all_found() {
	local s missing=
	gcc -fpreprocessed -dD -E -P "$header" > "$tmp/bare" # without comments
	while read -r s; do
		grep -q "^struct $s " "$tmp/now" || missing="$missing $s"
	done < <(sed -n 's/^struct \(ringprof_[a-z_]*\) *{.*/\1/p' "$tmp/bare")
	while read -r s; do
		# strings and macros with parameters have no number
		case $s in RINGPROF_DEVICE | RINGPROF_GENL_NAME | RINGPROF_GENL_GROUP | \
			RINGPROF_MMAP_TAIL_OF | RINGPROF_MMAP_HEAD_OF) continue ;; esac
		grep -q "^$s " "$tmp/now" || missing="$missing $s"
	done < <(grep -o '\b_*RINGPROF_[A-Z0-9_]*' "$tmp/bare" | sort -u)
	[ -z "$missing" ] || { echo "not in the layout:$missing"; return 1; }
	[ "$(grep -c '^struct' "$tmp/now")" -ge 7 ]
}
tests/abi/layout "$header" > "$tmp/now"
ok "layout names everything" all_found
ok "layout is tests/abi/layout.txt (tests/abi/layout HEADER makes it)" \
	diff -u tests/abi/layout.txt "$tmp/now"

major=$(sed -n 's/^RINGPROF_ABI_MAJOR //p' "$tmp/now")
minor=$(sed -n 's/^RINGPROF_ABI_MINOR //p' "$tmp/now")
ok "layout of version $major.$minor is the one kept under that number" \
	diff -u "tests/abi/layout-$major.$minor.txt" "$tmp/now"

# A number may be added within a major version, never changed or taken away.
# What counts entries grows with them; padding may be taken into use.
only_grows() {
	grep -v '_MAX \|_ABI_MINOR \|_ALL \|\.pad[0-9]* ' "$1" | sort > "$tmp/old"
	sort "$tmp/now" > "$tmp/new"
	comm -23 "$tmp/old" "$tmp/new" > "$tmp/gone"
	[ ! -s "$tmp/gone" ] || { echo "changed since ${1##*/}:"; cat "$tmp/gone"; return 1; }
}
for old in tests/abi/layout-"$major".*.txt; do
	ok "nothing of ${old##*-} changed" only_grows "$old"
done

# A kept layout that was edited afterwards would make the checks above empty.
kept() {
	local f first
	for f in tests/abi/layout-*.txt; do
		first=$(git log --diff-filter=A --format=%H -- "$f" | tail -n 1)
		[ -z "$first" ] || git show "$first:$f" | diff -u - "$f" || return 1
	done
}
if git rev-parse --is-inside-work-tree > /dev/null 2>&1; then
	ok "kept layouts are as they were committed" kept
else
	skip "kept layouts are as they were committed" "no git"
fi

# kernel versions are compat's business alone
versions() {
	! grep -rnE 'LINUX_VERSION_CODE|KERNEL_VERSION\(|RHEL_RELEASE' kmod include \
		--include='*.[ch]' --include=Kbuild --include=Makefile --exclude-dir=compat |
		grep -v '^kmod/compat\.h:'
}
ok "no kernel version outside kmod/compat" versions
no_tricks() {
	! grep -rnE 'kallsyms_lookup_name|register_kprobe|task_work_add' kmod --include='*.[ch]'
}
ok "no kallsyms tricks" no_tricks

module_version() {
	local a b
	a=$(sed -n 's/^VERSION *:= *//p' Makefile)
	b=$(sed -n 's/^#define RINGPROF_VERSION "\(.*\)"/\1/p' include/ringprof/version.h)
	[ "$a" = "$b" ] || { echo "Makefile $a, version.h $b"; return 1; }
}
ok "module and daemon have one version" module_version

main_short() { [ "$(wc -l < kmod/main.c)" -lt 120 ]; }
ok "main.c stays under 120 lines" main_short
done_testing
