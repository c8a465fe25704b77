#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Settings in force and changed while it runs; who gets in, by which door.
. "$(dirname "$0")/lib.sh"

mkdir "$dir/c.conf.d"
printf 'frequency = 99\nhistory = 10m\n[external_labels]\nteam = blue\n' >"$dir/c.conf"
echo 'frequency = 199' >"$dir/c.conf.d/20-b.conf"
echo 'frequency = 149' >"$dir/c.conf.d/10-a.conf"
echo 'frequency = 1' >"$dir/c.conf.d/30-not-a-conf.txt"
ok "the daemon starts" start_daemon --config="$dir/c.conf"
hz() { get /api/v1/status | jq .source.hz; }
ok "the last file of .conf.d wins" test "$(hz)" = 199

build/workloads/steady 1000 >/dev/null 2>&1 &
pids+=($!)
samples() { # SELECTOR
	get /api/v1/profile -G --data-urlencode "query=$1" -d format=top -d from=now-5s | jq .samples
}
external() {
	local n
	for _ in $(seq 20); do # a label that no series has yet is refused
		sleep 1
		n=$(samples '{team="blue"}' 2>/dev/null)
		[ "${n:-0}" -le 50 ] || break
	done
	[ "${n:-0}" -gt 50 ] && [ "$(samples '{team="red"}')" = 0 ]
}
ok "[external_labels] are labels of every series" external

reload() { # until the log has one answer more
	local had
	had=$(grep -c 'SIGHUP: .*settings' "$dir/log")
	kill -HUP "$daemon_pid"
	for _ in $(seq 100); do
		[ "$(grep -c 'SIGHUP: .*settings' "$dir/log")" -gt "$had" ] && break
		sleep 0.05
	done
	sleep 1.2 # the collector opens at its next round
}
overflows() { get /metrics | awk '/^ringprof_overflows_total/ { print $2 }'; }
rate_is() { # HZ
	local a b t0 t1 got cpu range
	# perf stops the timer of a CPU that stays idle
	for range in $(taskset -pc $$ | sed 's/.*: //' | tr ',' ' '); do
		for cpu in $(seq "${range%-*}" "${range#*-}"); do
			taskset -c "$cpu" build/workloads/steady 6 >/dev/null &
			pids+=($!)
		done
	done
	sleep 1
	a=$(overflows)
	t0=$(date +%s%N)
	sleep 4
	b=$(overflows)
	t1=$(date +%s%N)
	got=$(((b - a) * 1000000000 / (t1 - t0) / $(get /api/v1/status | jq .source.cpus)))
	echo "# $got overflows a second and CPU, asked for $1"
	# a drain a second makes the reading coarse, and a busy host's timer comes late
	[ $((got * 10)) -gt $(($1 * 6)) ] && [ $((got * 10)) -lt $(($1 * 14)) ]
}
faster() {
	echo 'frequency = 1999' >"$dir/c.conf.d/20-b.conf"
	reload
	grep -qF "frequency: '199' becomes '1999'" "$dir/log" && [ "$(hz)" = 1999 ] &&
		[ "$(get /api/v1/status | jq -c .differs)" = '{}' ]
}
ok "SIGHUP puts another frequency in force, and status sees no difference" faster
ok "and samples come at it" rate_is 1999
again() {
	local before
	before=$(grep -c becomes "$dir/log")
	reload
	[ "$(grep -c becomes "$dir/log")" = "$before" ] || { cat "$dir/log"; return 1; }
}
ok "a second SIGHUP compares with what is in force: nothing changes" again
back() {
	echo 'frequency = 199' >"$dir/c.conf.d/20-b.conf"
	reload
	grep -qF "frequency: '1999' becomes '199'" "$dir/log" && [ "$(hz)" = 199 ]
}
ok "and back" back
wrong() {
	printf 'history = 5m\ncpus = 0-\n' >"$dir/c.conf.d/40-d.conf"
	reload
	grep -qF "SIGHUP: $dir/c.conf.d/40-d.conf:2: cpus: '0-' is not LIST" "$dir/log" && [ "$(hz)" = 199 ] &&
		! grep -q "history: .* becomes" "$dir/log"
}
ok "with an error in a file everything stays as it was" wrong
restart() {
	printf 'max-waiting = 5\n' >"$dir/c.conf.d/40-d.conf"
	reload
	grep -qF "max-waiting: '256' becomes '5' after a restart" "$dir/log" &&
		reload && [ "$(grep -c "max-waiting: '256' becomes '5' after a restart" "$dir/log")" = 2 ]
}
ok "what waits for a restart is told, each time until then" restart
labels() {
	printf '[external_labels]\nteam = red\n[relabel zone]\ntarget_label = zone\nreplacement = x\n' \
		>"$dir/c.conf.d/40-d.conf"
	reload
	grep -qF "[external_labels] become others" "$dir/log" &&
		grep -qF "rules under [relabel NAME] become others" "$dir/log" || return 1
	# windows begin every ten seconds
	for _ in $(seq 150); do
		get /api/v1/profile -G -d from=now-2s -d format=top \
			--data-urlencode 'query={team="red",zone="x"}' 2>/dev/null |
			jq -e '.samples > 0' >/dev/null && return
		sleep 0.1
	done
	return 1
}
ok "other labels and rules from the next window on" labels
category() { # NAME: is it one of what the load does?
	get '/api/v1/profile?merge=category&from=now-10s' | jq -e --arg n "$1" '.strings | index($n) != null' >/dev/null
}
categories() {
	printf '# ours\nstorage function ^no such\nbusy function ^steady_inner' >"$dir/categories"
	category business && ! category busy || { echo "before"; return 1; }
	printf 'categories = %s\n' "$dir/categories" >"$dir/c.conf.d/40-d.conf"
	reload
	category busy || { tail -3 "$dir/log"; return 1; }
	printf 'x function a\nx colour b\n' >"$dir/categories"
	reload
	grep -qF "SIGHUP: $dir/categories:2: field 'colour'; allowed: function, binary, kind; the settings stay" "$dir/log" || return 1
	category busy || { echo "after"; return 1; }
	timeout 5 build/ringprofd --check-config --categories="$dir/categories" >"$dir/out" 2>&1
	[ $? = 2 ] && grep -qF "$dir/categories:2: field 'colour'" "$dir/out" || { cat "$dir/out"; return 1; }
	timeout 5 build/ringprofd --check-config --categories="$dir/none" >"$dir/out" 2>&1
	[ $? = 2 ] && grep -qF "categories: $dir/none: No such file" "$dir/out" || { cat "$dir/out"; return 1; }
	printf '\n' >"$dir/c.conf.d/40-d.conf"
	reload
	! category busy
}
ok "rules of categories in a file: in force, refused by line, gone" categories
stop_daemon

# --- the doors ---
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$dir/key.pem" \
	-out "$dir/cert.pem" -days 2 -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' 2>/dev/null
ok "with TLS and allowed hosts" start_daemon --tls-cert="$dir/cert.pem" --tls-key="$dir/key.pem" \
	--allowed-hosts=prof.example,.corp
scode() { # WANT PATH [curl option...]
	local want=$1 path=$2 got
	shift 2
	got=$(curl -s -o /dev/null -w '%{http_code}' --cacert "$dir/cert.pem" "$@" "https://localhost:$port$path")
	[ "$got" = "$want" ] || { echo "$got, not $want"; return 1; }
}
ok "curl --cacert, basic" scode 200 /api/v1/status -u "any:$token"
ok "bearer" scode 200 /api/v1/status -H "Authorization: Bearer $token"
ok "no credential" scode 401 /api/v1/status
ok "a wrong one" scode 401 /api/v1/status -u "any:${token%?}x"
ok "the token as user is none" scode 401 /api/v1/status -u "$token:"
ok "an allowed host" scode 200 /-/healthy -H "Host: prof.example:$port"
ok "one below an allowed domain" scode 200 /-/healthy -H "Host: a.b.corp"
ok "another name is refused, /metrics too" scode 403 /metrics -H "Host: evil.example"
ok "a page of another site is refused" scode 403 /api/v1/status -u "x:$token" -H 'Sec-Fetch-Site: cross-site'
plain() { ! curl -fs "http://localhost:$port/-/healthy"; }
ok "plain HTTP is not answered there" plain
by_url() { CURL_CA_BUNDLE=$dir/cert.pem rp status --url "https://x:$token@localhost:$port" | grep -q 'source   perf'; }
ok "ringprof --url https://" by_url
no_trust() {
	CURL_CA_BUNDLE='' rp query --url "https://x:$token@localhost:$port" 2>"$dir/err"
	[ $? = 3 ] && grep -q 'CURL_CA_BUNDLE' "$dir/err" && ! grep -qF "$token" "$dir/err" || { cat "$dir/err"; return 1; }
}
ok "an unknown certificate is told, the credential is not" no_trust
printf 'listen = 127.0.0.1:%s\ntls-cert = %s\ntls-key = %s\ntoken-file = %s\nunix-socket =\n' \
	"$port" "$dir/cert.pem" "$dir/key.pem" "$dir/token" >"$dir/cli.conf"
by_settings() { CURL_CA_BUNDLE=/nonexistent rp status --config "$dir/cli.conf" | grep -q 'source   perf'; }
ok "found by the settings it is known by its certificate" by_settings

chmod 711 "$dir"
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
stranger() {
	nobody curl -s --unix-socket "$dir/sock" http://localhost/-/healthy && return 1
	nobody cat "$dir/token" && return 1
	cp build/ringprof "$dir/rp"
	nobody "$dir/rp" status --socket "$dir/sock" >"$dir/out" 2>&1
	[ $? = 4 ] && grep -q 'not for you' "$dir/out" || { cat "$dir/out"; return 1; }
}
ok "another user is refused at the socket, and told so" stranger
ok "root needs no credential there" sh -c "curl -fs --unix-socket '$dir/sock' http://localhost/api/v1/status | jq -e .pid >/dev/null"
# as make run prints it
ok "options of every verb may stand before it" sh -c "build/ringprof --socket '$dir/sock' --json status | jq -e .daemon.pid >/dev/null"
ok "an unknown verb behind them is told" sh -c "build/ringprof --json bogus 2>&1 | grep -q \"'bogus' is no verb\""
stop_daemon

ok "auth = none on loopback" start_daemon --auth=none
ok "needs no credential" test "$(code /api/v1/status)" = 200
ok "but still a Host of its own" test "$(code /api/v1/status -H 'Host: evil.example')" = 403
done_testing
