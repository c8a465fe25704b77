#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# 2,000 processes that live 5 ms: 99 % of their samples carry the right exe,
# cgroup and names. Two storms run at once, each in a unit of its own.
. "$(dirname "$0")/lib.sh"
hz=997
root=/sys/fs/cgroup
[ -d $root/unified ] && root=$root/unified
units=(ringprof-storm-$$-a.service ringprof-storm-$$-b.service)
made=()
remove_units() {
	[ "${#made[@]}" = 0 ] || rmdir "${made[@]}"
	cleanup
}
trap remove_units EXIT
make_units() {
	local u
	for u in "${units[@]}"; do
		mkdir "$root/$u" || return 1
		made=("$root/$u" "${made[@]}")
	done
}
# storm N: its processes, those before the first fork too, in unit N
storm() {
	sh -c "echo \$\$ >$root/${units[$1]}/cgroup.procs && exec $top/build/corpus/storm/storm-$1 \
		$top/build/corpus/storm/child-$1 1000 5" >"$dir/used$1"
}
both() {
	storm 0 & local a=$!
	storm 1 & local b=$!
	wait $a && wait $b
}
profile() { # UNIT EXE
	get /api/v1/profile -G -d from=now-5m -d format=pprof -o "$dir/$2.pb.gz" \
		--data-urlencode "query={unit=\"${units[$1]}\",exe=\"$top/build/corpus/storm/$2\"}"
}
judged() {
	profile "$1" "storm-$1" && profile "$1" "child-$1" &&
		python3 tests/corpus/storm.py $hz "$(cat "$dir/used$1")" \
			"$top/build/corpus/storm/storm-$1" "$dir/storm-$1.pb.gz" \
			"$top/build/corpus/storm/child-$1" "$dir/child-$1.pb.gz"
}

if ! ok "two units of systemd's kind" make_units; then
	done_testing
	exit
fi
ok "the daemon starts" start_daemon --frequency=$hz
ok "2,000 processes of 5 ms" both
ended=$(date +%s%3N)
sleep 10.5 # windows close on tens of seconds
ok "the daemon has got so far" recorded "$ended"
ok "the first storm's samples" judged 0
ok "the second storm's samples" judged 1
get /metrics | grep -E '^ringprof_(side_band|sideband|processes|.*lost)' | sed 's/^/# /' | head -20
done_testing
