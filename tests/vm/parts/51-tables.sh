# SPDX-License-Identifier: GPL-2.0
# Unwind tables: taken, replaced, refused, kept to their budget; lists of
# address spaces while processes come and go and the module is unloaded.
#   RINGPROF_TABLE_CYCLES  load/unload cycles with tables and lists in use (4)
# shellcheck shell=bash disable=SC2154,SC2015,SC2016
load || fail "the module loads"
work=$tmp/tables
mkdir -p "$work/many"
cp "$(command -v steady)" "$work/prog"

# table_stat NAME: one figure of the totals
table_stat() { ringtool table stats | python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
# is WANT COMMAND...: it prints just that
is() {
	local want=$1 got
	shift
	got=$("$@") || return 1
	[ "$got" = "$want" ] || { echo "$got, not $want: $*"; return 1; }
}
# within SECONDS COMMAND...: becomes true in that time
within() {
	local left=$(($1 * 10))
	shift
	until "$@"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 0.1
	done
}
n_tables() { ringtool table list | wc -l; }

ok "no table at first" is 0 n_tables
ok "a table is taken" ringtool table add "$work/prog" 9000 1
ok "it is there" sh -c 'ringtool table list | grep -q "^[0-9]* 9000 [0-9]* 0 1$"'
ok "the same file again takes its place" ringtool table add "$work/prog" 20000 1
ok "one table is there" is 1 n_tables
ok "the new one" sh -c 'ringtool table list | grep -q "^[0-9]* 20000 "'
ok "a link to the file is the file" sh -c 'ln -s prog '"$work"'/link; ringtool table add '"$work"'/link 100 2'
ok "still one table" is 1 n_tables
ok "the vDSO has one too" ringtool table vdso 100 9
ok "two tables" is 2 n_tables
ok "deleted by key" ringtool table delkey 2
ok "deleted by id" sh -c 'ringtool table del $(ringtool table list | cut -d" " -f1)'
ok "none is left" is 0 n_tables
ok "nor a byte" is 0 table_stat bytes
judge "bad tables are refused, with a sentence" sh -c "cd $work && ringtool table bad prog"
ok "nothing of them stays" is 0 table_stat bytes
ok "anybody may enter there" chmod 755 "$tmp"
ok "setpriv gives a user without rights" works nobody 65534
ok "a user without rights hands nothing over" refused nobody ringtool table add "$work/prog" 10
ok "a user without rights lists nothing" refused nobody ringtool table list
ok "a user without rights takes nothing away" refused nobody ringtool table del 1

ok "a budget of 1 MiB" ringtool table budget 1048576
evicted=$(table_stat "tables evicted")
ok "60 tables of 64 KiB" ringtool table fill "$work/many" 60 8000
kept() {
	local bytes count
	bytes=$(table_stat bytes)
	count=$(table_stat count)
	echo "# figure: budget 1048576, $count tables of $bytes bytes, $(($(table_stat "tables evicted") - evicted)) evicted"
	[ "$bytes" -le 1048576 ] && [ "$bytes" -gt 900000 ] && [ "$count" -gt 10 ] &&
		[ $(($(table_stat "tables evicted") - evicted)) = $((60 - count)) ]
}
ok "the budget is kept, what went is counted" kept
ok "a table larger than the budget is refused" exits 28 ringtool table add "$work/prog" 200000
ok "a smaller budget" ringtool table budget 300000
smaller() { [ "$(table_stat bytes)" -le 300000 ] && [ "$(table_stat count)" -gt 0 ]; }
ok "evicts at once" smaller
ok "a budget of 0" ringtool table budget 0
ok "leaves none" is 0 table_stat count
ok "and takes none" exits 28 ringtool table add "$work/prog" 10
ok "the budget back" ringtool table budget 67108864

ringtool table half "$work/prog" 50000 > "$tmp/half" &
half=$!
ok "half a table is there" within 5 sh -c 'ringtool table list | grep -q " 0$"'
ok "and in no use" is 0 table_stat count
kill -9 $half
wait $half 2> /dev/null
ok "it goes with its owner" within 5 is 0 n_tables
ok "and its bytes" is 0 table_stat bytes

# what is in use does not go for a table that finds no room beside those being handed over
ok "a budget of 1 MiB again" ringtool table budget 1048576
ok "five tables of 64 KiB" ringtool table fill "$work/many" 5 8000
ringtool table half "$work/prog" 60000 > "$tmp/half" &
half=$!
ok "half of one of 500 KiB beside them" within 5 sh -c 'ringtool table list | grep -q " 0$"'
ok "another one of 600 KiB is refused" exits 28 ringtool table add "$work/prog" 70000
ok "and the five are still there" is 5 table_stat count
kill -9 $half
wait $half 2> /dev/null
ok "no budget" ringtool table budget 0
ok "the usual budget" ringtool table budget 67108864

# the root file system here is an overlay: what is mapped is a file of a layer below
ok "a table for a running program" ringtool table add "$work/prog" 20000 3
ok "and for one of the lower layer" ringtool table add "$(readlink -f "$(command -v forkstorm)")" 20000 4
used() { [ "$(ringtool table list | awk '$4 > 0' | wc -l)" = 2 ]; }
# as long as it takes on a slow emulated CPU, and no longer than that
both_used() {
	local busy storm i
	for i in $(seq 10); do
		"$work/prog" &
		busy=$!
		forkstorm 3 > /dev/null &
		storm=$!
		ringtool record -F 999 -a -d 3 > "$tmp/r.json" || return 1
		kill $busy
		wait $busy $storm 2> /dev/null
		used && break
	done
	ringtool table list | sed 's/^/# figure: table /'
	ringtool table stats | sed "s/^/# figure: round $i: /"
	used || { echo "a table was never used"; return 1; }
}
ok "sampled while they run, both tables are used" both_used
ok "address spaces were read" test "$(table_stat "address spaces read")" -gt 0
known() {
	local k n
	k=$(table_stat "address space known")
	n=$(table_stat "address space new")
	echo "# figure: $k samples of known address spaces, $n of new ones"
	[ "$k" -gt "$n" ]
}
ok "most samples knew their address space" known
ok "no list outlives a stop" within 5 sh -c 'ringtool stop; sleep 0.2; ringtool table stats | grep -q "\"count\":2"'

# a filter's directory goes: what does not name it can be set all the same
gone_cgroup() {
	local root
	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	if [ -z "$root" ] || [ -n "$(awk '$3 == "cgroup" && /memory/ { print $2; exit }' /proc/mounts)" ]; then
		root=$(awk '$3 == "cgroup" && /memory/ { print $2; exit }' /proc/mounts)
	fi
	if [ -z "$root" ]; then
		root=$tmp/cgroup
		mkdir -p "$root" && mount -t cgroup2 none "$root" || return 1
	fi
	mkdir "$root/vanishes" && ringtool set -g /vanishes && rmdir "$root/vanishes" || return 1
	ringtool table budget 50000000 || return 1
	is 50000000 table_stat budget || return 1
	! ringtool set -g /vanishes || { echo "a cgroup that is gone was set"; return 1; }
	ringtool set
}
if has_cgroup2; then
	ok "a vanished cgroup stops no other setting" gone_cgroup
else
	ok "where there are no cgroup ids a filter by one is refused" sh -c '! ringtool set -g /any'
fi

# everything at once: tables come, are replaced and go, processes too, and the module
churn() {
	local i
	for i in $(seq 100); do
		ringtool table add "$work/prog" $((1000 + i * 100)) $((i % 3)) ||
			ringtool table add "$(command -v forkstorm)" $((500 + i * 50)) 7 || return 0
		[ $((i % 4)) != 0 ] || ringtool table budget $((i % 8 ? 100000 : 67108864))
		ringtool table delkey 7
	done > /dev/null 2>&1
}
cycle() {
	local storms c
	load || return 1
	ringtool table add "$(command -v forkstorm)" 20000 7 > /dev/null || return 1
	ringtool table vdso 500 8 > /dev/null || return 1
	ringtool start -F 4999 || return 1
	forkstorm 4 > /dev/null &
	storms=$!
	forkstorm 4 > /dev/null &
	storms="$storms $!"
	churn &
	c=$!
	ringtool table half "$work/prog" 5000 > /dev/null &
	storms="$storms $!"
	sleep 2
	ringtool table stats | sed 's/^/# figure: cycle: /'
	# in the middle of it all
	rmmod ringprof || { echo "rmmod failed"; return 1; }
	# shellcheck disable=SC2086
	kill $storms $c 2> /dev/null
	# shellcheck disable=SC2086
	wait $storms $c 2> /dev/null
	return 0
}
for i in $(seq "${RINGPROF_TABLE_CYCLES:-4}"); do
	ok "unloaded in use, $i" cycle
done
ok "loaded again" load
