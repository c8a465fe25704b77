# SPDX-License-Identifier: GPL-2.0
# Programs of other compilers, and as distributions package them, by the module
# and the daemon: as part corpus does with the compiled ones (tests/corpus.mk:
# make corpus-programs).
#   RINGPROF_PACKAGED  seconds of each program (30)
# shellcheck shell=bash disable=SC2154,SC2015
. tests/corpus/lib.sh
. tests/vm/daemon_lib.sh
corpus_begin "$RINGPROF_OUT/packaged"

listed() { corpus_add "$1" "$2" "$3"; }
commands() {
	shift 4
	echo "$*"
}
# run_all SECONDS: more of them than CPUs, so that none idles
run_all() {
	corpus_packaged commands "$1" | xargs -d '\n' -P 4 -I '{}' timeout 240 sh -c '{}'
}

ok "the programs are built" make --no-print-directory -q corpus-programs
ok "the module" load
corpus_packaged listed 6
ok "the daemon takes the module" daemon_start packaged-daemon
started=$SECONDS
ok "every program for a moment" run_all 6
echo "# figure: a moment of each took $((SECONDS - started)) s"
corpus_sampled "${RINGPROF_PACKAGED:-30}"
