#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What others make of our profiles: tests/pprofcheck (the rules of all readers
# at once), go tool pprof, go build -pgo. The profiles are made by the C test
# programs, from made-up windows; BUILD says where these stand.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
BUILD=${BUILD:-build/asan}
MAKER=$BUILD/tests/unit/test_export_pprof
ELF=$BUILD/tests/unit/test_export_elf
PROFILES="small labels api empty nolines large"

need() {
	local why=
	command -v go >/dev/null || why="no go toolchain"
	[ -x "$MAKER" ] && [ -x "$ELF" ] || why="$MAKER is not built (make check-unit builds it)"
	[ -z "$why" ] || { skip "pprof readers" "$why"; done_testing; exit; }
}
need

DIR=$(mktemp -d) || exit 1
trap 'rm -rf "$DIR"' EXIT
export PPROF_TMPDIR=$DIR/tmp PPROF_BINARY_PATH=$DIR/none GOTOOLCHAIN=local GOFLAGS=-mod=mod
mkdir -p "$DIR/tmp" "$DIR/none" "$DIR/prog"

ok "the checker refuses each kind of broken profile" go -C tests/pprofcheck test ./...
ok "the checker builds" go -C tests/pprofcheck build -o "$DIR/pprofcheck" .
ok "profiles are made" "$MAKER" "$DIR"

for p in $PROFILES; do
	ok "$p: accepted by the rules of all readers" "$DIR/pprofcheck" -n 3 "$DIR/$p.pb.gz"
done

refused() { ! "$DIR/pprofcheck" "$1"; }
gzip -dc "$DIR/small.pb.gz" >"$DIR/plain"
cat "$DIR/plain" "$DIR/plain" | gzip -c >"$DIR/twice.pb.gz"
head -c -3 "$DIR/plain" | gzip -c >"$DIR/short.pb.gz"
ok "two profiles in a row are refused" refused "$DIR/twice.pb.gz"
ok "a profile cut short is refused" refused "$DIR/short.pb.gz"
ok "a profile without gzip is refused" refused "$DIR/plain"

# pprof says on stderr what it does not like, and goes on
quiet() {
	local err
	go tool pprof "$@" >"$DIR/out" 2>"$DIR/err" || { cat "$DIR/err"; return 1; }
	err=$(cat "$DIR/err")
	[ -z "$err" ] || { echo "stderr: $err"; return 1; }
}
for p in $PROFILES; do
	for how in -top -raw -traces -tree -tags; do
		ok "$p: go tool pprof $how is quiet" quiet $how "$DIR/$p.pb.gz"
	done
done
ok "small and nolines merge" quiet -top "$DIR/small.pb.gz" "$DIR/nolines.pb.gz"
ok "a profile less itself" quiet -top -diff_base "$DIR/small.pb.gz" "$DIR/small.pb.gz"

# the sums that pprof finds are the ones that were put in: 3 * (27 + 5) samples of 10 ms
total_is() {
	quiet -top -sample_index="$1" "$DIR/$2.pb.gz" || return 1
	grep -q "of $3 total" "$DIR/out" || { head -8 "$DIR/out"; return 1; }
}
ok "pprof finds all samples" total_is samples small 96
ok "pprof finds all CPU time" total_is cpu small 960ms
ok "pprof finds a service's samples alone" total_is samples api 69
tag_is() {
	quiet -tags "$DIR/labels.pb.gz" || return 1
	sed -n "/^ *$1: /,/^\$/p" "$DIR/out" | grep -qE "$2" || { cat "$DIR/out"; return 1; }
}
ok "pprof keeps CPU 0 as a label" tag_is cpu "750ms .*: 0$"
ok "pprof keeps the service" tag_is service_name "690ms .*: api$"

# Go's own reader is another program than pprof's
ok "go tool preprofile takes it" go tool preprofile -i "$DIR/small.pb.gz" -o "$DIR/pre"
cat >"$DIR/prog/main.go" <<'END'
package main

func main() { println("pgo") }
END
printf 'module x\n\ngo 1.20\n' >"$DIR/prog/go.mod"
for p in small nolines api empty; do
	ok "$p: go build -pgo takes it" go -C "$DIR/prog" build -pgo="$DIR/$p.pb.gz" -o "$DIR/prog/x"
done

disasm() {
	"$ELF" "$DIR/self.pb" || return 1
	quiet -disasm=ringprof_known_function "$DIR/self.pb" || return 1
	grep -q "70ms.*ringprof_known_function" "$DIR/out" || { cat "$DIR/out"; return 1; }
}
if command -v objdump >/dev/null; then
	ok "pprof -disasm finds the code of an address" disasm
else
	skip "pprof -disasm finds the code of an address" "no objdump"
fi
done_testing
