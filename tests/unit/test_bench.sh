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

# nor may a sentence have another one, or have no place for it; and it is put right with the tables
sentences() {
	sed 's/^\(| cheapest sample .* 22 frames: \)[0-9,]*/\13/' README.md > "$tmp/README.md"
	! cmp -s README.md "$tmp/README.md" && ! tests/bench/figures table $json "$tmp/README.md" > "$tmp/said" &&
		tests/bench/figures table $json "$tmp/README.md" write && cmp README.md "$tmp/README.md" &&
		sed -i 's/of the former are aggregation/of it is aggregation/' "$tmp/README.md" &&
		! tests/bench/figures table $json "$tmp/README.md" > "$tmp/said" &&
		grep -q "the sentence '{} % of the former are aggregation' is there 0 times" "$tmp/said"
}
ok "so are figures in sentences" sentences

# by the names that were promised; a reason why not is no figure
names() {
	jq -e '.figures as $f | [$ARGS.positional[] | select($f[.] == null)] |
		if . == [] then true else (. | tostring | halt_error) end' $json --args \
		empty.fp22.insn_per_sample ringprof.fp22.insn_per_sample ringprof.rows22.insn_per_sample \
		perf_g.fp22.insn_per_sample bpftrace.fp22.insn_per_sample ringprof.mixed.bytes_per_sample \
		ringprofd.insn_per_sample ringprofd.rss_mib
}
ok "each figure that was promised is there" names

# of which commit each group of tests/bench/run is
origins() {
	local group
	for group in frames bpftrace rates depths rows kernel mixed growth postgres memory idle daemon pprof whole; do
		jq -re --arg g $group '.from[$g] // "none"' $json | grep -qE '^[0-9a-f]{7,40} [0-9]{4}-[0-9]{2}-[0-9]{2}' ||
			{ echo "$group: no commit and date"; return 1; }
		grep '^Measured with' README.md | grep -qw "$group" || { echo "README does not name $group"; return 1; }
	done
}
ok "each group has the commit it was measured at" origins

# what tests/bench/run would measure, by name: it was, or the table says why it was not
planned() {
	local group entry tool load hz usual what n=0
	# shellcheck disable=SC1090
	. <(sed -n '/^plan() {/,/^in_guest() {/p' tests/bench/run | sed '$d')
	for group in frames bpftrace rates depths rows kernel mixed growth postgres; do
		for entry in $(plans $group); do
			IFS=: read -r tool load hz _ <<< "$entry"
			[ "$tool" != none ] || continue
			# of a cold run there are bytes alone
			case $load in mixed*) usual=1999 what=bytes_per_sample ;; *) usual=4999 what=insn_per_sample ;; esac
			[ "$hz" = $usual ] || load=${load}_${hz}hz
			jq -e --arg n "$tool.$load.$what" '(.figures[$n] // .missing[$n]) != null' $json > /dev/null ||
				{ echo "$tool.$load.$what: measured by group $group, and neither a figure nor missing"; return 1; }
			n=$((n + 1))
		done
	done
	[ $n -ge 50 ] || { echo "only $n"; return 1; }
}
ok "each figure that is planned is there, or why it is not" planned

# runs N: what is printed of a figure that was measured N times
runs() {
	local i
	for ((i = 0; i < $1; i++)); do
		echo "bench idle.ringprof.daemon_cpu 300 ppm"
		echo "bench ringprofd.insn_per_sample 2800 insn"
	done > "$tmp/raw"
	tests/bench/figures make "$tmp/made.json" "$tmp/raw" > "$tmp/said"
}
once_is_said() {
	runs 1 && grep -q '^bench idle.ringprof.daemon_cpu 300.0 ppm (1 run)$' "$tmp/said" &&
		grep -q '^bench ringprofd.insn_per_sample 2800 insn$' "$tmp/said" && [ "$(jq '[.figures[].n] | min' "$tmp/made.json")" = 1 ] &&
		runs 2 && ! grep -q '1 run' "$tmp/said" && [ "$(jq '[.figures[].n] | min' "$tmp/made.json")" = 2 ]
}
ok "what was measured once says so, unless it comes out the same" once_is_said

slopes() {
	local n
	for n in 1 1000; do
		echo "run none fp22_${n}tables 4999 5 400000000"
		echo "run ringprof fp22_${n}tables 4999 5 $((404000000 + n * 1000))"
		echo "session ringprof fp22_${n}tables 4999 1000000 $((n + 40000000)) 20000000 1000000 10 1 $((n * 1024)) 2048"
	done > "$tmp/raw"
	tests/bench/figures make "$tmp/made.json" "$tmp/raw" > "$tmp/said" &&
		grep -q '^bench ringprof.fp22.insn_per_table 0.489' "$tmp/said" &&
		grep -q '^bench ringprof.fp22_1000tables.memory_kib 1000.0 KiB$' "$tmp/said" &&
		grep -q '^bench ringprof.fp22_1000tables.tables_kib 2.0 KiB$' "$tmp/said"
}
ok "growth by tables is a slope, memory is there" slopes

# two runs of the mixed load, the second on a slower host
cold() {
	printf 'run ringprof mixed 1999 1 6868508109\nsession ringprof mixed 1999 14186 809456 289050 5178 41118 1\n' > "$tmp/raw"
	tests/bench/figures make "$tmp/made.json" "$tmp/raw" | grep -q '^bench ringprof.mixed.bytes_per_sample 57.6 bytes$' || return 1
	printf 'run ringprof mixed 1999 1 6872103008\nsession ringprof mixed 1999 15888 878416 297335 6933 41330 1\n' > "$tmp/raw"
	tests/bench/figures make "$tmp/made.json" "$tmp/raw" | grep -q '^bench ringprof.mixed.bytes_per_sample 57.7 bytes$'
}
ok "bytes of the mixed load are those of its own samples" cold

ok "each goal is met, or why it is not" tests/bench/figures goals $json
# worse FIGURE VALUE: the goals, were it that
worse() {
	jq --arg n "$1" --argjson v "$2" '.figures[$n].value = $v' $json > "$tmp/worse.json"
	tests/bench/figures goals "$tmp/worse.json" > "$tmp/said"
}
held() {
	worse ringprof.fp22.insn_per_sample 2449 && ! worse ringprof.fp22.insn_per_sample 2451 &&
		grep -q '^wrong: ringprof.fp22.insn_per_sample' "$tmp/said"
}
ok "one instruction over a goal is found" held
# a reason is good for as much as it says
far() {
	! worse whole.compile.99.loss_high 1.3 && grep -q '^wrong: whole.compile.99.loss is' "$tmp/said" &&
		! worse ringprof.fp5.bytes_per_sample 49 && grep -q '^wrong: ringprof.fp5.bytes_per_sample is 49' "$tmp/said"
}
ok "a miss that has become larger than its reason is found" far
stale_reason() { ! worse whole.compile.99.loss_high 0.05 && grep -q 'whole.compile.99.loss is met' "$tmp/said"; }
ok "a reason for what is met is found" stale_reason
# a mean alone says little of a loss
bounds() { worse whole.compile.99.loss 0.05 && grep -q '^a compile.* whole.compile.99.loss 0.050 .*, in the median: ' "$tmp/said"; }
ok "a loss keeps to its goal when its upper bound does" bounds
# without the tool 400,000 and 400,200 ns a run, with it 404,100: 2,024 samples, so 50 insn of each are uncertain
base_too() {
	printf 'run none fp22 4999 5 %d\n' 400000000 400200000 > "$tmp/raw"
	printf 'run ringprof fp22 4999 5 %d\n' 404000000 404000000 >> "$tmp/raw"
	printf 'session ringprof fp22 4999 %d 40000 1 1 1 1\n' "$1" >> "$tmp/raw"
	tests/bench/figures make "$tmp/made.json" "$tmp/raw" > "$tmp/said"
}
uncertain() { base_too 6100 && grep -q '^bench ringprof.fp22.insn_per_sample 1931 insn ± 50$' "$tmp/said"; }
ok "what the load takes by itself is as uncertain as with the tool" uncertain
lossy() { base_too 4100 && grep -q '^missing ringprof.fp22.insn_per_sample: ringprof took .* samples of the 6059' "$tmp/said"; }
ok "a tool that lost a third of its samples has no figure" lossy
unmeasured() {
	jq 'del(.figures["pprof.memory_to_size"])' $json > "$tmp/worse.json"
	! tests/bench/figures goals "$tmp/worse.json" > "$tmp/said" && grep -q '^wrong: pprof.*is not measured' "$tmp/said"
}
ok "a goal without a figure is found" unmeasured

until_bound() {
	local name=whole.host.compile.99
	printf '100000 0 0 0 0 %d 10 4 3 3\n' 100100 100110 100090 100105 100095 > "$tmp/pairs"
	# shellcheck disable=SC1090
	. <(sed -n '/^report() {/,/^reached/p' tests/bench/whole)
	report > "$tmp/raw" && tests/bench/figures make "$tmp/made.json" "$tmp/raw" | grep -q '^bench whole.host.compile.99.loss 0.100 % (5 pairs)$' &&
		report > "$tmp/said" && grep -q '^bench whole.host.compile.99.pairs 5 pairs$' "$tmp/said" &&
		reached 1 < "$tmp/said" && ! reached 0.1 < "$tmp/said"
}
ok "pairs end where the bound is reached, and are counted" until_bound

# two rounds of one thread, as perf tells of it, and how README has that
profile_table() {
	local round
	for round in 1 3; do
		printf '    40.0%%     1.0%%  [.] history_writer\n'
		printf '    %d.0%%     7.0%%  [.] buf_printf.constprop.0\n' $((round + 10))
		printf '    30.0%%    30.0%%  [.] malloc\n'
		printf '    30.0%%    30.0%%  [k] vfs_write\n'
		printf '     0.9%%     0.9%%  [.] main\n'
	done > "$tmp/callees"
	# shellcheck disable=SC1090
	. <(sed -n '/^# kernel_part/,/^# FILE/p' tests/bench/whole)
	# shellcheck disable=SC2317 # what is sourced calls it
	nm() { printf '1 %s\n' 'T history_writer' 'T main' 't buf_printf.constprop.0'; }
	{
		functions 1 <(head -n 5 "$tmp/callees")
		functions 1 <(tail -n 5 "$tmp/callees")
	} | sed 's/^/bench profile.compile.99.history./; s/$/ %/' > "$tmp/raw"
	[ "$(wc -l < "$tmp/raw")" = 4 ] || return 1
	{
		echo "bench profile.compile.99.history 51 %"
		echo "bench profile.compile.99.history.kernel $(printf ' 3.5%% [k] a\n 2%% [.] b\n 1.0%% [k] c\n' | kernel_part) %"
	} >> "$tmp/raw"
	tests/bench/figures make "$tmp/made.json" "$tmp/raw" > /dev/null
	grep -o '<!-- .*figures.* -->' README.md > "$tmp/readme"
	tests/bench/figures table "$tmp/made.json" "$tmp/readme" write > /dev/null
	# shellcheck disable=SC2016 # Markdown
	grep -qxF '| compile, 99 Hz | `history` | 51 | 4 | `history_writer` 40, `buf_printf` 12 |' "$tmp/readme" && ! grep -q 'profile\.' "$tmp/readme"
}
ok "where the daemon's part goes is a table" profile_table

# halves HOW: of tests/bench/whole one half without and one with a daemon that is so, or work that fails
halves() {
	HOW=$1 bash -euc '
		shopt -s inherit_errexit
		load=fake hz=99 repeat=1 daemon=0 frozen=
		. tests/bench/sampled.sh
		. <(sed -n "/^wrong() {/,/^# profile N/p" tests/bench/whole)
		ticks() { echo $((${EPOCHREALTIME/./} * hz * $(nproc) / 1000000)); }
		stop_sampling() { [ $HOW = never-off ] || frozen=$(ticks); }
		start_sampling() { [ $HOW = never-on ] || frozen=; }
		get() { echo "ringprof_samples_total{outcome=\"emitted\"} ${frozen:-$(ticks)}"; }
		spent() { echo 0 0 0 0; }
		clock() { echo 0; }
		sleep() { :; }
		kill() { :; }
		work_fake() { command sleep 0.5; [ $HOW != failing ]; }
		once off
		once on' > "$tmp/said" 2>&1
}
halves_judged() {
	halves good && ! halves never-off && grep -q "overflows while it was off" "$tmp/said" &&
		! halves never-on && grep -q "fake: 0.0 overflows .*: what was measured is something else" "$tmp/said" && ! halves failing
}
ok "of a pair one half is sampled, the other is not, and both are done" halves_judged

# gate FACTOR [FIGURE]: one raw figure that is FACTOR times the committed one
gate() {
	jq -r --argjson by "$1" --arg n "${2:-ringprofd.insn_per_sample}" '.figures[$n] |
		"bench \($n) \(.value * $by) \(.unit)"' $json > "$tmp/raw"
	tests/bench/figures gate $json "$tmp/raw" > "$tmp/said"
}
shut() {
	! gate 1.04 && grep -q "make bench BENCH='frames rows mixed daemon'" "$tmp/said" && jq -r '.figures["ringprofd.insn_per_sample"].value |
		"grown by more than 3%: \(. * 10.4 | round / 10) insn now, \(.)[.0-9]* in"' $json | grep -qf - "$tmp/said"
}
ok "2 % more pass" gate 1.02
ok "4 % more do not, and how to accept them is said" shut
fallen() { ! gate 0.85 && grep -q '^wrong: ringprofd.insn_per_sample has fallen by more than 10%' "$tmp/said"; }
ok "5 % less pass" gate 0.95
ok "15 % less are looked into" fallen
# of what is known the daemon's instructions are held as well, they are not all in the mixed load
steady() { gate 1.02 ringprofd.steady.insn && ! gate 1.04 ringprofd.steady.insn; }
ok "nor 4 % more where all stacks are known" steady
# session FRAMES MEMORY TABLES: the load by rows as tests/vm/parts/90-cost.sh measures it, with so many times of each
session() {
	jq -r --argjson f "$1" --argjson m "$2" --argjson t "$3" '.figures | with_entries(.value |= .value) |
		"session ringprof rows22 4999 10000 \(10000 * .["ringprof.rows22.bytes_per_sample"])" +
		" \(10000 * .["ringprof.rows22.frames_per_sample"] * $f) 9780 2000 1" +
		" \(1024 * .["ringprof.rows22.memory_kib"] * $m) \(1024 * .["ringprof.rows22.tables_kib"] * $t) 0"' $json > "$tmp/raw"
	tests/bench/figures gate $json "$tmp/raw" > "$tmp/said"
}
ends_early() { ! session 0.95 1 1 && grep -q '^wrong: ringprof.rows22.frames_per_sample has fallen by more than 3%: stacks end earlier?' "$tmp/said"; }
larger() {
	! session 1 1.04 1 && grep -q '^wrong: ringprof.rows22.memory_kib has grown by more than 3%' "$tmp/said" &&
		! session 1 1 1.04 && grep -q '^wrong: ringprof.rows22.tables_kib has grown by more than 3%' "$tmp/said"
}
ok "frames and memory as they were pass, 2 % more as well" eval 'session 1 1 1 && session 1.02 1.02 1.02'
ok "5 % less frames do not: a walk that ends early is cheap" ends_early
ok "nor 4 % more memory or tables" larger
# an idle host that is not sampled costs nothing: each CPU is woken by every sample
sampled() {
	jq -e '.figures as $f | def more($n): $f["idle.\($n).wakeups"].value - $f["idle.without.wakeups"].value;
		[more("ringprof", "perf") > 95, more("ringprof_idle", "perf_idle") > 9] | all' $json
}
ok "an idle host was sampled when that was measured" sampled
# bytes FACTOR: the mixed load as tests/vm/parts/90-cost.sh measures it, with so many times the bytes
bytes() {
	jq -r --argjson by "$1" '.figures["ringprof.mixed.bytes_per_sample"].value * 19990 * $by |
		"run ringprof mixed 1999 1 10000000000\nsession ringprof mixed 1999 19990 \(.) 400000 7000 50000 1"' $json > "$tmp/raw"
	tests/bench/figures gate $json "$tmp/raw" > "$tmp/said"
}
denser() { ! bytes 1.04 && grep -q '^wrong: ringprof.mixed.bytes_per_sample has grown by more than 3%' "$tmp/said"; }
ok "2 % more bytes of the mixed load pass" bytes 1.02
ok "4 % more do not" denser
unknown() { echo "bench ringprofd.new.insn_per_sample 1 insn" > "$tmp/raw" && ! tests/bench/figures gate $json "$tmp/raw" > "$tmp/said"; }
ok "nor what there is no committed figure of" unknown
nothing() { : > "$tmp/raw" && ! tests/bench/figures gate $json "$tmp/raw" > "$tmp/said"; }
ok "nothing measured does not pass" nothing

daemon() {
	tests/bench/daemon > "$tmp/raw" && tests/bench/figures gate $json "$tmp/raw" | sed 's/^/# /' &&
		[ "${PIPESTATUS[0]}" = 0 ]
}
# of as many places as a host has, with names, files and lines of most of them
pprof() {
	tests/bench/pprof > "$tmp/raw" && grep -q '^bench pprof.memory_to_size ' "$tmp/raw" &&
		awk '$2 == "pprof.stacks" { n += $3 == 100000 } $2 == "pprof.places" { n += $3 >= 20000 }
			$2 == "pprof.places_with_line" { n += $3 >= 15000 } $2 == "pprof.places_inlined" { n += $3 >= 5000 }
			$2 == "pprof.functions" { n += $3 >= 5000 } END { exit n != 5 }' "$tmp/raw"
}
ok "100,000 stacks for pprof, as hosts have them, keep to their time and memory" pprof

if command -v valgrind > /dev/null; then
	ok "the daemon's instructions a sample have not grown" daemon
else
	skip "the daemon's instructions a sample have not grown" "no valgrind"
fi
done_testing
