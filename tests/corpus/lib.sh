# SPDX-License-Identifier: GPL-2.0
# Samples programs by a daemon and by perf at once, and judges what came of it.
# Sourced after tests/e2e/lib.sh or tests/vm/daemon_lib.sh.
#
#   corpus_begin DIR                     results go there, and nothing else is there
#   corpus_add NAME KIND [FILE...]       a program, for table.py
#   corpus_compiled ALTSTACK             all that `make corpus` builds; ALTSTACK: the kind of that program
#   corpus_packaged DO SECONDS           all that `make corpus-programs` is for: DO NAME KIND EXE COMM COMMAND...
#                                        of each, COMM: of the processes to look at when COMMAND has others (-)
#   corpus_fetch                         ringprof's profiles of them, when windows are closed, from $corpus_from on
#   corpus_judge [alone]                 a test per program, the table behind '#'
# shellcheck shell=bash disable=SC2154
# shellcheck disable=SC2034 # its users'
corpus_stack=16384 # bytes of stack that perf and the daemon copy
corpus_from=now-20m
run=

corpus_begin() {
	run=$1
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
		case ${name##*/} in
		altstack) kind=$1 ;;
		*) kind=compiled ;;
		esac
		corpus_add "${name/\//_}" "$kind" "$top/$f" "${libs[@]}"
	done
}

corpus_packaged() {
	local do=$1 seconds=$2 here=tests/corpus/packaged bin=build/corpus/programs p java
	for p in rust-abort rust-unwind rust-bare rust-bare-stripped go go-stripped; do
		$do $p packaged $bin/$p - $bin/$p "$seconds"
	done
	p=/usr/bin/python3
	$do cpython packaged $p - $p $here/cpython.py "$seconds"
	p=$(for d in /usr/lib/postgresql/*/bin; do echo "$d/postgres"; done | sort -V | tail -n 1)
	$do postgres packaged "$p" postgres $here/pgbench run $bin/database.tar "$seconds"
	$do gcc packaged "$(g++ -print-prog-name=cc1plus)" cc1plus $here/compile "$seconds"
	p=$(command -v node || command -v nodejs)
	$do node jit "$p" - "$p" --perf-basic-prof --no-logfile-per-isolate "--logfile=$run/v8.log" $here/work.js "$seconds"
	java=$(readlink -f "$(command -v java)")
	$do java-fp jit "$java" - $here/java $bin/java-fp "$seconds" $bin -XX:+PreserveFramePointer
	$do java shown "$java" - $here/java "$java" "$seconds" $bin
	# hand-written assembly
	p=$(command -v openssl)
	$do openssl shown "$p" - "$p" speed -seconds $((seconds / 6)) -bytes 16384 sha256 aes-256-cbc
}

corpus_fetch() {
	local name program comm
	while read -r name _ program _; do
		# these are one exe
		case $name in java*) comm=$name ;; *) comm= ;; esac
		get /api/v1/profile -G --data-urlencode "query={exe=\"$(readlink -f "$program")\"${comm:+,comm=\"$comm\"}}" \
			-d "from=$corpus_from" -d format=pprof -o "$run/$name.pb.gz" || { echo "no profile of $name"; return 1; }
	done <"$run/list"
	echo "$corpus_from" >"$run/fetched"
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
