#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Whole stacks of programs without frame pointers, on the perf source: by
# record, by the daemon, after a restart from its disk; and what they cost.
. "$(dirname "$0")/lib.sh"

gcc -O2 -fomit-frame-pointer -o "$dir/nofp" tests/workloads/deep.c -lpthread || exit 1

# reached FILE: of the samples in the program's own code, the share with main, in percent
reached() {
	awk '{ n = $NF } /;(spin|deep_leaf|clock_ns)/ { all += n; if ($0 ~ /;main;/) whole += n }
		END { printf "%.2f %d\n", all ? 100 * whole / all : 0, all }' "$1"
}
# most FILE / few FILE: at least 99 % reach main, less than 10 % do; of 100 samples and more
most() { reached "$1" | awk '{ print "# main reached in " $1 " % of " $2 " samples"; exit !($1 >= 99 && $2 >= 100) }'; }
few() { reached "$1" | awk '{ print "# main reached in " $1 " % of " $2 " samples"; exit !($1 < 10 && $2 >= 100) }'; }
depth() { # FILE N: there are stacks of N of its frames
	awk -v want="$2" '{ n = gsub(/;deep_recurse/, "&"); if (n > max) max = n }
		END { print "# " max " of " want " frames"; exit !(max == want) }' "$1"
}
record() { build/ringprof record --socket /nonexistent --source perf -F 499 "$@" 2>"$dir/err" || { cat "$dir/err"; return 1; }; }
cost() { # NAME: what record said of it
	local bytes
	bytes=$(sed -n 's/.*; \([0-9]*\) bytes a sample$/\1/p' "$dir/err")
	echo "# figure: $1: $bytes bytes a sample"
	[ -n "$bytes" ] && eval "bytes_$1=$bytes"
}

for n in 120 400; do
	ok "record: $n frames" record -o "$dir/r$n.folded" -- "$dir/nofp" $n 2
	ok "to main in 99 % and more" most "$dir/r$n.folded"
	ok "with every frame" depth "$dir/r$n.folded" $n
done
ok "says what it costs" cost rows
ok "by frame pointers alone" record --unwind fp -o "$dir/fp.folded" -- "$dir/nofp" 120 2
ok "main is not reached" few "$dir/fp.folded"
ok "says what that costs" cost fp
dearer() { [ "${bytes_rows:-0}" -gt $((10 * ${bytes_fp:-1000000})) ]; }
ok "rows are the dearer way on this source" dearer
ok "a copy too short" record --perf-stack 2KiB -o "$dir/short.folded" -- "$dir/nofp" 400 1
ok "is cut, and says so" grep -q '^\[truncated: beyond the stack copied\];deep_recurse;' "$dir/short.folded"
ok "less depth than the program has" record --max-depth 50 -o "$dir/shallow.folded" -- "$dir/nofp" 400 1
ok "is cut, and says so" grep -q '^\[truncated: depth limit\];deep_recurse;' "$dir/shallow.folded"
ok "a thread" record -o "$dir/thread.folded" -- "$dir/nofp" 120 1 thread
threads() { awk '{ n = $NF } /;deep_leaf/ { all += n; if ($0 ~ /^(clone3?|__clone3?)[^;]*;.*;deep_thread;/) w += n }
	END { print "# " w " of " all; exit !(all >= 50 && w >= 0.99 * all) }' "$1"; }
ok "reaches its clone" threads "$dir/thread.folded"
"$dir/nofp" 300 60 &
pids+=($!)
ok "a process that runs already" record -d 1 -p $! -o "$dir/pid.folded"
ok "to main in 99 % and more" most "$dir/pid.folded"

# --- the daemon ---
metric() { get /metrics | awk -v m="$1" '$1 == m { print $2; found = 1 } END { exit !found }'; }
above() { local v; v=$(metric "$1") && echo "# $1 $v" && awk -v v="$v" -v min="$2" 'BEGIN { exit !(v >= min) }'; }
profile() { # FILE SECONDS: of the program
	local from until
	from=$(date +%s%3N)
	sleep "$2"
	until=$(date +%s%3N)
	get "/api/v1/profile?format=folded&from=$from&until=$until" --get --data-urlencode 'query={comm="nofp"}' >"$1"
}
ok "the daemon starts" start_daemon --frequency=499
ok "says how" grep -q 'user stacks: unwind rows, over copies of 16384 bytes' "$dir/log"
# who runs already is met all at once: their tables take longer than samples wait
settled() {
	for _ in $(seq 100); do
		[ "$(metric ringprof_unwind_tables_queued)" = 0 ] && [ "$(metric ringprof_unwind_tables)" -gt 2 ] && return 0
		sleep 0.1
	done
	get /metrics | grep ringprof_unwind
	return 1
}
ok "the tables of who runs are made" settled
ok "its profile" profile "$dir/d.folded" 3
ok "to main in 99 % and more" most "$dir/d.folded"
ok "frames by rows are counted" above 'ringprof_unwind_frames_total{by="rows"}' 1000
ok "compiled" above ringprof_unwind_compiled_total 2
ok "room on disk" above ringprof_unwind_disk_bytes 1000
says() { rp status --socket "$dir/sock" | grep -q -- "$1"; }
ok "the status says how and at what price" says '^stacks   unwind rows, over copies of 16384 bytes of stack; [0-9]* bytes a sample'
mine() { find "$dir/rows" -type f -name "$(readelf -n "$dir/nofp" | awk '/Build ID/ { print $3 }')*"; }
ok "its rows are kept" test -n "$(mine)"
before=$(mine | xargs -r stat -c '%i %s')
ok "the daemon ends" stop_daemon
ok "it starts again" start_daemon --frequency=499
ok "with its tables" settled
ok "its profile" profile "$dir/d2.folded" 3
ok "to main in 99 % and more" most "$dir/d2.folded"
ok "rows come from the disk" above ringprof_unwind_from_disk_total 2
same() { [ -n "$before" ] && [ "$(mine | xargs -r stat -c '%i %s')" = "$before" ]; }
ok "the program's were not made again" same
# whatever else began to run here meanwhile may be new
echo "# figure: compiled after the restart: $(metric ringprof_unwind_compiled_total) files, from disk: $(metric ringprof_unwind_from_disk_total)"

# --- other settings while it runs ---
reload() { # LINE STATUS: with this line in the file the status says that
	printf '%s\n' "$1" >"$dir/conf"
	kill -HUP "$daemon_pid"
	for _ in $(seq 50); do
		says "^stacks   $2" && return 0
		sleep 0.1
	done
	cat "$dir/log"
	return 1
}
blamed() {
	for _ in $(seq 50); do
		get /metrics | grep -F "ringprof_truncated_stacks_total{binary=\"$dir/nofp\",end=\"beyond the stack copied\"}" |
			sed 's/^/# /' | grep . && return 0
		sleep 0.1
	done
	get /metrics | grep ringprof_truncated
	return 1
}
ok "the daemon ends" stop_daemon
printf 'unwind = rows\n' >"$dir/conf"
ok "it starts with a file" start_daemon --config="$dir/conf" --frequency=499
ok "SIGHUP copies less" reload 'perf-stack = 2KiB' 'unwind rows, over copies of 2048 bytes'
ok "the metrics name the binary where stacks end" blamed
ok "SIGHUP switches to frame pointers" reload 'unwind = fp' 'frame pointers'
# what is asked for begins with a window, which is 10 s and began before
sleep 10
ok "its profile" profile "$dir/d3.folded" 3
ok "main is not reached" few "$dir/d3.folded"
done_testing
