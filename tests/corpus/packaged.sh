#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Programs of other compilers, and as distributions package them: the share of
# stacks that reach a root, beside perf's on the same run. `make check-corpus`.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/corpus/lib.sh

corpus_stack=32768 # compilers and Go have large frames
corpus_begin build/corpus/packaged
# program NAME KIND EXE COMM COMMAND...: sampled now, judged later
program() {
	local name=$1 comm=$4
	corpus_add "$name" "$2" "$3"
	shift 4
	ok "$name runs" tests/corpus/sample $corpus_stack "$run/$name" "$comm" "$@"
}
ok "the daemon starts" start_daemon --frequency=499 --unwind=rows --perf-stack=$corpus_stack
corpus_packaged program 6
sleep 10.5 # windows close on tens of seconds
ok "each has its profile" corpus_fetch
corpus_judge
done_testing
