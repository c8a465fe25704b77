#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tests/vm/matrix names the kernels: README shows each of them, dkms.conf lets each
# be built for and nothing older, and what a suite printed becomes a line.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
matrix=tests/vm/matrix

# shellcheck source=/dev/null
excluding() { (. dkms/dkms.conf && [[ $1 =~ $BUILD_EXCLUSIVE_KERNEL ]]); }
version_of() { # ROW
	local v=${1#* }
	echo "${v%%[^0-9.]*}"
}
built_for_each() {
	local row
	while read -r row; do
		excluding "$(version_of "$row").0-1" || { echo "dkms would not build for: $row"; return 1; }
	done < <(grep -v '^#' $matrix)
	excluding 10.0.0-1 && excluding 4.4.302 && excluding 3.16.0
}
ok "dkms builds for each kernel of the matrix, and what lies between" built_for_each
oldest=$(grep -v '^#' $matrix | while read -r row; do version_of "$row"; done | sort -V | head -n 1)
older() {
	local v
	[ "$oldest" = 3.10 ] || { echo "the oldest is $oldest now: dkms.conf and these"; return 1; }
	for v in 3.9.11 3.2.0-4-amd64 2.6.32-754.el6.x86_64; do
		! excluding $v || { echo "dkms would build for $v"; return 1; }
	done
}
ok "and for nothing older than the oldest" older

# README's rows of Debian kernels begin with the release, those of trees with the tree's name
shown() {
	local kind name at
	sed -n '/^## Kernels/,/^## Cost/s/^| //p' README.md > "$tmp/rows"
	while read -r kind name _; do
		case $name in *-rt | *-cloud) at="${name%-*}[.][0-9.]*.*-${name##*-}-amd64 " ;; *) at="${name}[. ]" ;; esac
		[ "$kind" != debian ] || [ "$name" != "${name%-*}" ] || at="${name}[.][0-9.+debn-]*-amd64 "
		grep -q "^$at" "$tmp/rows" || { echo "README, Kernels: no row of $kind $name"; return 1; }
	done < <(grep -v '^#' $matrix)
}
ok "README has a row of each" shown

# suite NAME DEEP [PLAN]: what a suite prints, its judges' figures among it; DEEP is how a test
# of part stacks ended
suite() {
	printf '%s\n' "# kernel 6.1.0-57-amd64, 2 CPUs" "# module made by gcc 12.2.0" "ok 1 - loads" \
		"# figure: part load took 11 s" "ok 2 - counters" \
		"# figure: CPU 0: 2369 calls (missed 137, -0.004% off the event's count): 2369 emitted" \
		"# figure: CPU 1: 2358 calls (missed 148, +0.105% off the event's count): 2358 emitted" \
		"# figure: part counters took 40 s" "ok 3 - bytes per sample, steady load" \
		"# figure: 40.2 bytes a sample (limit 48.0)" "ok 4 - bytes per sample, a compiler with frame pointers" \
		"# figure: 58.3 bytes a sample (limit 90.0)" "ok 5 - bytes per sample, mixed load" \
		"# figure: 43.5 bytes a sample (limit 90.0)" "ok 6 - bytes per sample, mixed load, whole stacks" \
		"# figure: 65.9 bytes a sample (limit 90.0)" "# figure: part density took 108 s" \
		"# figure: CPU 0: 27248 calls (missed 10850, -52.594% off the event's count): 14564 emitted, 12684 throttled" \
		"# figure: part governor took 44 s" "$2 7 - deep" "ok 8 - other # SKIP why" \
		"# figure: 994 of 1000 reach main over 22 frames; ends {4: 994}" \
		"# figure: 1000 of 1000 reach main over 400 frames; ends {4: 1000}" \
		"# figure: part stacks took 25 s" "ok 9 - counters add up, nested ones too" \
		"# figure: CPU 0: 11755 NMIs entered the sampler, up to 1393 a second, beside 5802 calls of the timer" \
		"# figure: CPU 1: 11695 NMIs entered the sampler, up to 1369 a second, beside 5776 calls of the timer" \
		"# figure: part nmi took 12 s" ${3:+"1..9"} > "$tmp/build/vm-$1.tap"
}
line_of() { (cd "$tmp" && tests/vm/summary "$@"); }
# is NAME LINE
is() { [ "$(line_of "$1" | tail -n 1)" = "$2" ] || { line_of "$1"; return 1; }; }
lines() {
	mkdir -p "$tmp/tests/vm" "$tmp/build" && cp tests/vm/summary "$tmp/tests/vm/"
	suite a ok whole
	is a "| 6.1.0-57-amd64 | gcc 12.2.0 | 8 | 0 | 1 | 0.105 % | 99.40 % | 58.3 | 65.9 | 1393 | 4 |"
}
ok "a kernel's line is what its suite printed" lines
failed_part() {
	suite a "not ok" whole
	is a "| 6.1.0-57-amd64 | gcc 12.2.0 | 7 | 1 | 1 | 0.105 % | - | 58.3 | 65.9 | 1393 | 4 |"
}
ok "a part that failed has no figure there" failed_part
unfinished() {
	suite b ok
	line_of a > /dev/null || return 1
	! line_of a b c > "$tmp/said" && grep -qx 'no end: b, c' "$tmp/said" && grep -q '^| c | not run | - ' "$tmp/said"
}
ok "a suite without an end is told" unfinished
done_testing
