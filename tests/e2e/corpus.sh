#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Programs without frame pointers: whole stacks, right ones, beside perf's on the
# same run. The daemon samples the host by the perf source; see tests/corpus.mk.
. "$(dirname "$0")/lib.sh"
seconds=0.8 stack=16384

rm -rf build/corpus/run
mkdir -p build/corpus/run
names=()
for p in gcc-O2 gcc-O0 gcc-O3 clang-O2 static static-pie; do
	for f in build/corpus/"$p"/*; do
		case $f in *.so) continue ;; esac
		name=${f#build/corpus/}
		names+=("${name/\//_}")
		libs=()
		case ${f##*/} in
		plt) libs=("${f%/*}/libwork.so") ;;
		load) libs=("${f%/*}/libload0.so" "${f%/*}/libload1.so") ;;
		esac
		echo "${name/\//_} $top/$f ${libs[*]/#/$top/}" >>build/corpus/run/list
	done
done
ok "the corpus is built" test "${#names[@]}" -ge 40
ok "the daemon starts" start_daemon --frequency=499 --unwind=rows --perf-stack=$stack
sample_all() {
	awk '{ print "build/corpus/run/" $1 ".perf", $2 }' build/corpus/run/list |
		xargs -P 2 -n 2 tests/corpus/sample $stack $seconds
}
ok "every program runs under perf, the daemon beside" sample_all
sleep 10.5 # windows close on tens of seconds
fetch_all() {
	local name program
	while read -r name program _; do
		get /api/v1/profile -G --data-urlencode "query={exe=\"$program\"}" -d from=now-10m \
			-d format=pprof -o "build/corpus/run/$name.pb.gz" || return 1
	done <build/corpus/run/list
}
ok "each has its profile" fetch_all
python3 tests/corpus/table.py build/corpus/run >"$dir/verdicts" 2>&1 || fail "the judge" "$(cat "$dir/verdicts")"
while read -r verdict text; do
	case $verdict in
	PASS) pass "$text" ;;
	FAIL) fail "$text" ;;
	*) echo "$verdict $text" ;;
	esac
done <"$dir/verdicts"
sed 's/^/# /' build/corpus/run/table.txt
done_testing
