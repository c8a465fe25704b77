# SPDX-License-Identifier: GPL-2.0
# A budget for unwind tables that is too small for what runs: kept, without
# tables going to and fro; and when other programs run, theirs come again.
# shellcheck shell=bash disable=SC2154,SC2015
. tests/vm/daemon_lib.sh
budget=1048576

# figure NAME: of the daemon's metrics
figure() { api /metrics | awk -v n="ringprof_unwind_$1" '$1 == n { print $2 }'; }
start_many() { # LETTER...: pids in $many
	local p
	many=
	for p in "$@"; do
		"$tmp/many-$p" 1000 &
		many="$many $!"
	done
}
stop_many() {
	# shellcheck disable=SC2086
	kill $many
	# shellcheck disable=SC2086
	wait $many 2> /dev/null
	many=
}
# kept SECONDS: all the while, module and daemon say so
kept() {
	local bytes
	# commands are sampled too, and miss their tables: not one a second
	for _ in $(seq 0 5 "$1"); do
		bytes=$(ringtool table stats | sed 's/.*"bytes":\([0-9]*\).*/\1/')
		[ "$bytes" -le $budget ] || { echo "$bytes bytes of tables, the budget is $budget"; return 1; }
		sleep 5
	done
	echo "# figure: $bytes bytes of tables; $(figure absent_tables) absent, $(figure evicted_tables_total) evicted," \
		"$(figure tables_again_total) given again, $(figure tables_kept_out_total) times kept out"
}
# a window of ten seconds, as it began after this
window() {
	sleep $((10 - $(date +%s) % 10))
	from=$(date +%s)
	sleep 11
}

ok "the module" load
for p in a b c d; do
	cp build/workloads/many "$tmp/many-$p"
done
ok "the daemon takes it, with 1 MiB for tables" daemon_start budget --unwind-module-memory=1MiB
start_many a b c d
ok "all tables were given once" settled
ok "four programs of 300 KiB each: the budget is kept" kept 20
ok "some have no table now" sh -c "[ $(figure absent_tables) -gt 0 ] && [ $(figure tables_kept_out_total) -gt 0 ]"
again=$(figure tables_again_total)
few() {
	local n=$(($(figure tables_again_total) - again))
	echo "# figure: $n given again in 20 s"
	[ $n -le 8 ]
}
ok "twenty seconds more" kept 20
ok "hardly a table goes to and fro" few
stop_many
start_many c d
ok "two of them alone" kept 16
window
for p in c d; do
	ok "a profile" look "$tmp/stacks" "${from}000" "$((from + 10))000" "many-$p"
	judge "$p has its rows" whole "$tmp/stacks"
done
stop_many
ok "a larger budget" ringtool table budget 67108864
start_many a b c d
sleep 16
window
for p in a b c d; do
	ok "a profile" look "$tmp/stacks" "${from}000" "$((from + 10))000" "many-$p"
	judge "$p has its rows beside the others" whole "$tmp/stacks"
done
stop_many
daemon_end
unload
