# SPDX-License-Identifier: GPL-2.0
# Starts a daemon for an end-to-end test in a directory of its own.
# shellcheck shell=bash
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lib/tap.sh
top=$PWD
dir=$(mktemp -d)
daemon_pid=
pids=()
cleanup() {
	[ -z "$daemon_pid" ] || kill "$daemon_pid" 2>/dev/null
	[ "${#pids[@]}" = 0 ] || kill "${pids[@]}" 2>/dev/null
	wait 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT

# start_daemon [option...]: up and ready, or the log on stdout and 1; $daemon: another program
start_daemon() {
	"${daemon:-$top/build/ringprofd}" --state-dir="$dir" --cache-dir="$dir" --token-file="$dir/token" --source=perf \
		--unix-socket="$dir/sock" --listen="127.0.0.1:$port" "$@" >"$dir/log" 2>&1 &
	daemon_pid=$!
	for _ in $(seq 100); do
		if curl -fso /dev/null --unix-socket "$dir/sock" http://localhost/-/ready; then
			token=$(cat "$dir/token" 2>/dev/null)
			return 0
		fi
		kill -0 "$daemon_pid" 2>/dev/null || break
		sleep 0.1
	done
	cat "$dir/log"
	return 1
}

stop_daemon() {
	kill "$daemon_pid"
	wait "$daemon_pid"
	local status=$?
	daemon_pid=
	return $status
}

# a port nobody listens on
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# get PATH [curl option...]: body on stdout, fails on an HTTP error
get() {
	local path=$1
	shift
	curl -fsS -u "ringprof:$token" "$@" "http://127.0.0.1:$port$path"
}

# code PATH [curl option...]: only the status code
code() {
	local path=$1
	shift
	curl -s -o /dev/null -w '%{http_code}' "$@" "http://127.0.0.1:$port$path"
}

# until_true SECONDS COMMAND...: asked again and again until it succeeds
until_true() {
	local end=$((SECONDS + $1))
	shift
	while [ $SECONDS -lt "$end" ]; do
		"$@" && return
		sleep 0.25
	done
	echo "never: $*"
	return 1
}

# recorded MS: answers hold what ran until then (milliseconds of the epoch), however slow the daemon is
recorded() { until_true 60 answers_reach "$1"; }
answers_reach() { get '/api/v1/profile?format=top&max_nodes=1&from=now-1m' -o "$dir/reach" && jq -e ".to_ms >= $1" "$dir/reach" >/dev/null; }

port=$(free_port)
rp() { "$top/build/ringprof" "$@"; }
