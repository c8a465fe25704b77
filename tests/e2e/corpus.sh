#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Programs without frame pointers: whole stacks, right ones, beside perf's on the
# same run. The daemon samples the host by the perf source; see tests/corpus.mk.
. "$(dirname "$0")/lib.sh"
. tests/corpus/lib.sh
seconds=0.8

corpus_begin build/corpus/compiled
corpus_compiled altstack
ok "the corpus is built" test "$(wc -l <"$run/list")" -ge 50
ok "the daemon starts" start_daemon --frequency=499 --unwind=rows --perf-stack=$corpus_stack
sample_all() {
	awk -v run="$run" -v s=$seconds '{ print run "/" $1, "-", $3, s }' "$run/list" |
		xargs -P 2 -n 4 tests/corpus/sample $corpus_stack
}
ok "every program runs under perf, the daemon beside" sample_all
ended=$(date +%s%3N)
sleep 10.5 # windows close on tens of seconds
ok "the daemon has got so far" recorded "$ended"
ok "each has its profile" corpus_fetch
corpus_judge
done_testing
