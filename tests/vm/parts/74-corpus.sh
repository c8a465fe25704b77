# SPDX-License-Identifier: GPL-2.0
# The compiled corpus by the module and the daemon: every build runs once for a
# moment, so that the daemon has met its files, and then for what is judged. The
# guest samples alone; tests/vm/on judges, as the host's own run is judged.
#   RINGPROF_CORPUS  seconds of CPU time of each build (2)
# shellcheck shell=bash disable=SC2154,SC2015
top=$PWD
. tests/corpus/lib.sh
. tests/vm/daemon_lib.sh
corpus_begin "$RINGPROF_OUT/corpus"

lost() { api /metrics | grep '^ringprof_samples_total{outcome="lost",reason="ring full"}'; }

# Files whose every sample was lost were not met: a slow guest's daemon has itself to start beside them.
meet_all() {
	local round before
	for round in 1 2 3 4 5; do
		before=$(lost)
		run_all 0.5 8 && settled || return
		[ "$(lost)" != "$before" ] || { echo "# figure: met in $round rounds"; return 0; }
	done
	echo "its ring was full in each of $round rounds: $before, now $(lost)"
	return 1
}

# run_all SECONDS [AT-ONCE]: more of them than CPUs, so that none idles
run_all() {
	awk -v s="$1" '{ print 120, $3, s }' "$run/list" | xargs -P "${2:-4}" -n 3 timeout
}

ok "the module" load
corpus_compiled compiled
ok "the corpus is built" test "$(wc -l < "$run/list")" -ge 40
ok "the daemon takes the module" daemon_start corpus-daemon
# libraries of the same content as others, which the daemon must meet while they are mapped
met=
while read -r _ _ program library _; do
	[ -n "$library" ] || continue
	"$program" 1000 &
	met="$met $!"
done < "$run/list"
ok "every program for a moment" meet_all
corpus_sampled "${RINGPROF_CORPUS:-2}"
