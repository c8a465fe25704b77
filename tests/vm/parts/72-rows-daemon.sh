# SPDX-License-Identifier: GPL-2.0
# Whole stacks by the daemon and the module together: programs without frame
# pointers that ran before the daemon came, and such that began later; on
# alternate stacks, in signal handlers, in coroutines; copies of one program, which
# have one key and several inodes; a file whose ctime changed. Asked of the daemon's own profiles.
# shellcheck shell=bash disable=SC2154,SC2015
state=$tmp/rows-daemon corpus=build/corpus/gcc-O2
mkdir -p "$state"
pids=

api() { # PATH ARG...: of the daemon
	local path=$1
	shift
	curl -fsS --unix-socket "$state/sock" -u "ringprof:$(cat "$state/token")" \
		"http://localhost$path" "$@"
}
rows_daemon() {
	ringprofd --source=kmod --frequency=499 --state-dir="$state" --token-file="$state/token" \
		--unix-socket="$state/sock" --listen=127.0.0.1:4199 > "$tmp/rows-daemon.log" 2>&1 &
	pids="$pids $!"
	for _ in $(seq 300); do
		! curl -fso /dev/null --unix-socket "$state/sock" http://localhost/-/ready || return 0
		sleep 0.1
	done
	cat "$tmp/rows-daemon.log"
	return 1
}
run() { # PROGRAM ARG...: in the background
	"$@" &
	pids="$pids $!"
}
look() { # FILE FROM UNTIL [COMM]: milliseconds of the epoch
	api "/api/v1/profile?format=folded&from=$2&until=$3" --get ${4:+--data-urlencode "query={comm=\"$4\"}"} > "$1"
}
# whole FILE [FRAMES]: 99 % of the samples begin at a root, and of these all that
# are in the leaf came there over so many frames
whole() {
	awk -v frames="${2:-0}" '{
			n = $NF; all += n
			cut = /^\[truncated/
			if (!cut) good += n
			else { split($0, f, ";"); ends[f[1] ";" f[2]] += n }
			leaf = /;deep_leaf/
			depth = gsub(/;deep_recurse/, "&")
			if (frames && !cut && leaf && depth != frames) bad += n
		}
		END {
			printf "%.2f %% of %d samples reach their root", all ? 100 * good / all : 0, all
			if (frames) printf ", %d of them not over %d frames", bad, frames
			print ""
			for (e in ends) print ends[e], e
			exit !(all >= 100 && good >= 0.99 * all && !bad)
		}' "$1"
}

ok "the module" load
cp build/workloads/deep-rows "$tmp/deep-early"
cp build/workloads/deep-rows "$tmp/deep-late"
run "$tmp/deep-early" 120 1000
ok "the daemon takes it" rows_daemon
sleep 9
run "$tmp/deep-late" 400 1000
# the same inode, in another state from now on
ln "$tmp/deep-early" "$tmp/deep-linked"
run "$tmp/deep-linked" 120 1000
for p in altstack signals coroutines; do
	[ ! -x "$corpus/$p" ] || run "$corpus/$p" 1000
done
# a window of 10 s is answered whole: the one around `from` begins 10 s after the daemon at the earliest
sleep 1
from=$(($(date +%s%3N) + 10000))
sleep 22
until=$(date +%s%3N)
ok "a profile" look "$tmp/early" "$from" "$until" deep-early
judge "120 frames of a copy that ran before the daemon" whole "$tmp/early" 120
ok "a profile" look "$tmp/late" "$from" "$until" deep-late
judge "400 frames of another that came later" whole "$tmp/late" 400
ok "a profile" look "$tmp/linked" "$from" "$until" deep-linked
judge "120 frames of the first one, its file linked meanwhile" whole "$tmp/linked" 120
for p in altstack signals coroutines; do
	if [ -x "$corpus/$p" ]; then
		ok "a profile" look "$tmp/$p" "$from" "$until" "$p"
		judge "$p reaches its roots" whole "$tmp/$p"
	else
		skip "$p" "not built (make corpus)"
	fi
done
ringtool table stats | sed 's/^/# figure: /'
# shellcheck disable=SC2086
kill $pids 2> /dev/null
# shellcheck disable=SC2086
wait $pids 2> /dev/null
unload
