# SPDX-License-Identifier: GPL-2.0
# Samples programs by a daemon and by perf at once, and judges what came of it.
# Sourced after tests/e2e/lib.sh.
#
#   corpus_begin RUN                     results go to build/corpus/RUN
#   corpus_add NAME KIND [FILE...]       a program, for table.py
#   corpus_compiled ALTSTACK             all that `make corpus` builds; ALTSTACK: the kind of that program
#   corpus_fetch NAME EXE [COMM]         ringprof's profile of it, when windows are closed, from $corpus_from on
#   corpus_judge [alone]                 a test per program, the table behind '#'
# shellcheck shell=bash disable=SC2154
corpus_stack=16384 # bytes of stack that perf and the daemon copy
corpus_from=now-20m
run=

corpus_begin() {
	run=build/corpus/$1
	rm -rf "$run"
	mkdir -p "$run"
}

corpus_add() { echo "$*" >>"$run/list"; }

corpus_compiled() {
	local f name kind libs
	for f in build/corpus/{gcc-O2,gcc-O0,gcc-O3,clang-O2,static,static-pie,bare}/*; do
		name=${f#build/corpus/}
		case ${name##*/} in
		*.so) continue ;;
		plt) libs=("$top/${f%/*}/libwork.so") ;;
		load) libs=("$top/${f%/*}/libload0.so" "$top/${f%/*}/libload1.so") ;;
		*) libs=() ;;
		esac
		[ "${name##*/}" = altstack ] && kind=$1 || kind=compiled
		corpus_add "${name/\//_}" "$kind" "$top/$f" "${libs[@]}"
	done
}

corpus_fetch() {
	get /api/v1/profile -G --data-urlencode "query={exe=\"$2\"${3:+,comm=\"$3\"}}" -d "from=$corpus_from" -d format=pprof \
		-o "$run/$1.pb.gz"
}

corpus_judge() {
	local verdict text
	python3 tests/corpus/table.py "$run" "$@" >"$run/verdicts" 2>&1 || fail "the judge" "$(cat "$run/verdicts")"
	while read -r verdict text; do
		case $verdict in
		PASS) pass "$text" ;;
		FAIL) fail "$text" ;;
		*) echo "$verdict $text" ;;
		esac
	done <"$run/verdicts"
	sed 's/^/# /' "$run/table.txt"
}
