#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Programs of other compilers, and as distributions package them: the share of
# stacks that reach a root, beside perf's on the same run. `make check-corpus`.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/corpus/lib.sh
here=tests/corpus/packaged
seconds=6

corpus_stack=32768 # compilers and Go have large frames
corpus_begin packaged
mkdir -p "$run/bin"
declare -A exe
# program NAME KIND EXE COMM COMMAND...: sampled now, judged later
program() {
	local name=$1 kind=$2 comm=$4
	exe[$name]=$(readlink -f "$3")
	shift 4
	corpus_add "$name" "$kind"
	ok "$name runs" tests/corpus/sample $corpus_stack "$run/$name" "$comm" "$@"
}
build_rust() { rustc -O -C panic="$1" -o "$run/bin/rust-$1" $here/rust.rs; }
ok "Rust, panic=abort" build_rust abort
ok "Rust, panic=unwind" build_rust unwind
# no unwind information at all in its own code
build_bare() { rustc -O -C panic=abort -C force-unwind-tables=no "${@:2}" -o "$run/bin/rust-$1" $here/rust.rs; }
ok "Rust, without unwind tables" build_bare bare
ok "Rust, the same stripped" build_bare bare-stripped -C strip=symbols
ok "Go" env GO111MODULE=off GOFLAGS= GOCACHE="$dir/gocache" go build -o "$run/bin/go" $here/goprog.go
ok "Go, stripped" env GO111MODULE=off GOFLAGS= GOCACHE="$dir/gocache" go build -ldflags='-s -w' \
	-o "$run/bin/go-stripped" $here/goprog.go
ok "Java" javac -d "$run/bin" $here/Work.java
ok "the daemon starts" start_daemon --frequency=499 --unwind=rows --perf-stack=$corpus_stack
for p in rust-abort rust-unwind rust-bare rust-bare-stripped go go-stripped; do
	program $p packaged "$run/bin/$p" - "$run/bin/$p" $seconds
done
python=/usr/bin/python3
program cpython packaged $python - $python $here/cpython.py $seconds
postgres=$(for d in /usr/lib/postgresql/*/bin; do echo "$d/postgres"; done | sort -V | tail -n 1)
program postgres packaged "$postgres" postgres $here/pgbench $seconds
program gcc packaged "$(g++ -print-prog-name=cc1plus)" cc1plus g++ -O2 -std=gnu++17 -c -o "$run/bin/o" $here/templates.cc
node=$(command -v node || command -v nodejs)
program node jit "$node" - "$node" --perf-basic-prof --no-logfile-per-isolate "--logfile=$run/v8.log" $here/work.js $seconds
java=$(command -v java)
# one exe: the name of the process tells the two apart
ln -s "$(readlink -f "$java")" "$run/bin/java-fp"
program java-fp jit "$java" - $here/java "$run/bin/java-fp" $seconds "$run/bin" -XX:+PreserveFramePointer
program java shown "$java" - $here/java "$(readlink -f "$java")" $seconds "$run/bin"
# hand-written assembly
program openssl shown "$(command -v openssl)" - openssl speed -seconds 1 -bytes 16384 sha256 aes-256-cbc
sleep 10.5 # windows close on tens of seconds
for name in "${!exe[@]}"; do
	case $name in java*) comm=$name ;; *) comm= ;; esac
	ok "$name has its profile" corpus_fetch "$name" "${exe[$name]}" "$comm"
done
corpus_judge
done_testing
