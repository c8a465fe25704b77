#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tests/vm/suite.sh [PART...]: the VM tests, run in the guest, TAP on stdout
#
# Each file of tests/vm/parts is one part, sourced in the order of its name;
# without arguments all are run but those below tests/vm/parts/long, which CI
# has no time for: name them (budget: module memory that is too small; packaged:
# stacks of Rust, Go, distribution programs; soak: a long time of everything).
# Lines "# figure: ..." are measurements. Sizes:
#   RINGPROF_CYCLES        load/unload cycles (10; the full proof has 200)
#   RINGPROF_STARTS        start/stop cycles under load (50; 500)
#   RINGPROF_KILLS         readers killed at a random moment (20; 100)
#   RINGPROF_DAEMON_KILLS  daemons killed (5; 100)
#   RINGPROF_ABUSE_*       see part abuse
#   RINGPROF_RUNS          runs of the shares test (1; 3)
#   RINGPROF_DAEMON_RUNS   the same through the daemon (1; 3)
#   RINGPROF_MIXED         seconds of the mixed load by rows (30; 60)
#   RINGPROF_MIXED_FP      the same of those by frame pointers (30; 60)
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
. tests/vm/suite_lib.sh

[ -n "${RINGPROF_KO:-}" ] || { echo "Bail out! no module (RINGPROF_KO)"; exit 1; }
tmp=$(mktemp -d)
trap 'jobs -p | xargs -r kill 2> /dev/null; rm -rf "$tmp"' EXIT
echo "# kernel $(uname -r), $(nproc) CPUs"
readelf -p .comment "$RINGPROF_KO" | sed -n 's/.*GCC: (.*) \([0-9.]*\).*/# module made by gcc \1/p' | sort -u
programs > "$tmp/programs"
for part in tests/vm/parts/*.sh tests/vm/parts/long/*.sh; do
	name=$(basename "$part" .sh)
	if { [ $# = 0 ] && [ "${part%/*}" = tests/vm/parts ]; } || [[ " $* " = *" ${name#*-} "* ]]; then
		started=$SECONDS
		# shellcheck disable=SC1090
		. "$part"
		echo "# figure: part ${name#*-} took $((SECONDS - started)) s"
		left_running "${name#*-}" >> "$tmp/left"
	fi
done
ok "no part leaves a program running that the next would be measured beside" empty_or_shown "$tmp/left"
done_testing
