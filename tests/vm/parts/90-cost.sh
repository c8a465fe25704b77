# SPDX-License-Identifier: GPL-2.0
# Instructions, bytes and frames a sample and the module's memory, of the mixed load bytes and memory
# alone, against the figures committed in tests/bench/bench.json: the short form of `make bench`. Where the
# clock counts instructions only, elsewhere it says nothing.
# shellcheck shell=bash disable=SC2154,SC2015
cost_plans="none:fp22:4999:5 ringprof:fp22:4999:5 none:rows22:4999:5 ringprof:rows22:4999:5
	ringprof:mixed:1999:1"
if [ "${RINGPROF_ICOUNT:-}" = 1 ]; then
	unload
	# shellcheck disable=SC2086,SC2016 # words; of that shell
	ok "loads of fixed work, with the module and without" sh -c 'out=$1; shift; tests/bench/guest "$@" > "$out"' - "$tmp/cost" $cost_plans
	judge "a sample costs no more than it did" tests/bench/figures gate tests/bench/bench.json "$tmp/cost"
else
	echo "# cost: measured where the clock counts instructions (tests/vm/run --icount)"
fi
