# SPDX-License-Identifier: GPL-2.0
# What parts do that profile by module and daemon. Sourced after suite_lib.sh.
#
#   daemon_start NAME [option...]   ringprofd on the module, up and ready; $state its folder
#   api PATH [curl option...]       asks it
#   get PATH [curl option...]       the same, by the name that tests/corpus/lib.sh knows
#   settled                         no file waits for its table, all are given; says how long it took
#   recorded MS                     the daemon has got to that time (milliseconds of the epoch), however slow it is
#   run PROGRAM ARG...              in the background, ended by daemon_end
#   corpus_sampled SECONDS          of programs of a corpus that have run for a moment: run_all so long, in
#                                   windows of its own, and their profiles; $met ends before, daemon and module behind it
#   look FILE FROM UNTIL [COMM]     folded stacks; milliseconds of the epoch
#   whole FILE [FRAMES]             judges them
#   daemon_end                      it and what run has begun
# shellcheck shell=bash disable=SC2154
state=
pids=

api() {
	local path=$1
	shift
	curl --fail-with-body -sS --unix-socket "$state/sock" -u "ringprof:$(cat "$state/token")" "http://localhost$path" "$@"
}

get() { api "$@"; }

daemon_start() {
	local name=$1
	shift
	state=$tmp/$name
	mkdir -p "$state"
	ringprofd --source=kmod --frequency=499 --state-dir="$state" --cache-dir="$state" --token-file="$state/token" \
		--unix-socket="$state/sock" --listen=127.0.0.1:4199 "$@" > "$state/log" 2>&1 &
	pids="$pids $!"
	for _ in $(seq 300); do
		! curl -fso /dev/null --unix-socket "$state/sock" http://localhost/-/ready || return 0
		sleep 0.1
	done
	cat "$state/log"
	return 1
}

# Few tables have no rows, and are not sent: as many less wait for a daemon that is late.
settled() {
	local queued sent ready last=0 same=0 i
	for i in $(seq 120); do
		sleep 1
		read -r queued sent ready <<< "$(api /metrics | awk '
			$1 == "ringprof_unwind_tables_queued" { q = $2 }
			$1 == "ringprof_unwind_sent_tables_total" { s = $2 }
			$1 == "ringprof_unwind_tables" { r = $2 }
			END { print q, s, r }')"
		same=$((same + 1))
		[ "$queued" = 0 ] && [ "$sent" -gt 0 ] && [ "$sent" = "$last" ] && [ "$sent" -ge $((ready * 8 / 10)) ] || same=0
		last=$sent
		[ $same -lt 4 ] || { echo "# figure: all tables given within $i s"; return 0; }
	done
	echo "after 120 s $queued tables wait, $sent of $ready were given"
	return 1
}

recorded() {
	local i behind now
	for i in $(seq 300); do
		behind=$(api /metrics | awk '$1 == "ringprof_behind_seconds" { print int($2 * 1000) }') || return 1
		now=$(date +%s%3N)
		[ $((now - behind)) -lt "$1" ] || { [ "$i" -lt 3 ] || echo "# figure: it was $i s late"; return 0; }
		sleep 1
	done
	echo "after 300 s it is $behind ms late"
	return 1
}

run() {
	"$@" &
	pids="$pids $!"
}

daemon_end() {
	# shellcheck disable=SC2086
	kill $pids 2> /dev/null
	# shellcheck disable=SC2086
	wait $pids 2> /dev/null
	pids=
}

corpus_sampled() {
	local started
	ok "their rows are made" settled
	# shellcheck disable=SC2086
	[ -z "${met:-}" ] || kill $met
	# windows begin on tens of seconds
	sleep $((10 - $(date +%s) % 10))
	# shellcheck disable=SC2034 # for corpus_fetch
	corpus_from=$(date +%s)
	started=$SECONDS
	ok "every program" run_all "$1"
	echo "# figure: they ran for $((SECONDS - started)) s"
	ok "their windows are closed" recorded $(($(date +%s%3N) + 10000))
	ok "each has its profile" corpus_fetch
	ringtool table stats | sed 's/^/# figure: /'
	daemon_end
	ok "the module can go" unload
}

look() {
	api "/api/v1/profile?format=folded&from=$2&until=$3" --get ${4:+--data-urlencode "query={comm=\"$4\"}"} > "$1" || {
		cat "$1"
		return 1
	}
}

# 99 % of the samples begin at a root, and of these all that are in the leaf of
# `deep` came there over so many frames
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
