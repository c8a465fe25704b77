#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# README shows the figures that were measured, and the gate shuts when a sample
# has become dearer. The daemon's instructions are counted here, the module's in
# tests/vm/parts/90-cost.sh.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
json=tests/bench/bench.json

ok "README's figures are those of bench.json" tests/bench/figures table $json README.md

# a README with another figure must not do
stale() {
	# shellcheck disable=SC2016 # a quotation mark of Markdown
	sed 's/^| `ringprofd.insn_per_sample` | [0-9]*/&0/' README.md > "$tmp/README.md"
	! cmp -s README.md "$tmp/README.md" && ! tests/bench/figures table $json "$tmp/README.md" > "$tmp/said" &&
		grep -q 'tests/bench/figures table' "$tmp/said"
}
ok "a figure changed by hand is found" stale

# figures that were measured are there by the names that were promised
names() {
	jq -e '.figures as $f | .missing as $m | [$ARGS.positional[] | select(($f[.] // $m[.]) == null)] |
		if . == [] then true else (. | tostring | halt_error) end' $json --args \
		empty.fp22.insn_per_sample ringprof.fp22.insn_per_sample ringprof.rows22.insn_per_sample \
		perf_g.fp22.insn_per_sample bpftrace.fp22.insn_per_sample ringprof.mixed.bytes_per_sample \
		ringprofd.insn_per_sample ringprofd.rss_mib
}
ok "each figure is there, or why it is not" names

# gate FACTOR: one raw figure that is FACTOR times the committed one
gate() {
	jq -r --argjson by "$1" '.figures["ringprofd.insn_per_sample"] |
		"bench ringprofd.insn_per_sample \(.value * $by) \(.unit)"' $json > "$tmp/raw"
	tests/bench/figures gate $json "$tmp/raw" > "$tmp/said"
}
shut() { ! gate 1.04 && grep -q 'make bench' "$tmp/said" && grep -q 'grown by more than 3%' "$tmp/said"; }
ok "2 % more pass" gate 1.02
ok "4 % more do not, and how to accept them is said" shut
nothing() { : > "$tmp/raw" && ! tests/bench/figures gate $json "$tmp/raw" > "$tmp/said"; }
ok "nothing measured does not pass" nothing

daemon() {
	tests/bench/daemon > "$tmp/raw" && tests/bench/figures gate $json "$tmp/raw" | sed 's/^/# /' &&
		[ "${PIPESTATUS[0]}" = 0 ]
}
pprof() { tests/bench/pprof > "$tmp/raw" && grep -q '^bench pprof.memory_to_size ' "$tmp/raw"; }
ok "100,000 stacks for pprof keep to their time and memory" pprof

if command -v valgrind > /dev/null; then
	ok "the daemon's instructions a sample have not grown" daemon
else
	skip "the daemon's instructions a sample have not grown" "no valgrind"
fi
done_testing
