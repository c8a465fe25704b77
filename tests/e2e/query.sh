#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The history asked over HTTP: time lines, services, labels, shapes, events, and questions that
# cannot be answered. With a load of its own: two commands of known shares.
. "$(dirname "$0")/lib.sh"
work=build/workloads

ok "the daemon starts" start_daemon --frequency=499
$work/shares 400 >/dev/null &
pids+=($!)
sleep 12

# ask PATH [curl option...]: body on stdout whatever the status, status in $dir/code
ask() {
	local path=$1
	shift
	curl -s -o "$dir/body" -w '%{http_code}' -u "x:$token" "$@" "http://127.0.0.1:$port$path" >"$dir/code"
}
# holds JQ PATH [curl option...]: a 200 whose JSON satisfies the expression
holds() {
	local jq=$1
	shift
	ask "$@"
	[ "$(cat "$dir/code")" = 200 ] && jq -e "$jq" "$dir/body" >/dev/null && return 0
	echo "$(cat "$dir/code") $(head -c 600 "$dir/body")"
	return 1
}
# refuses STATUS TEXT PATH [curl option...]: that status, and an error that says TEXT
refuses() {
	local want=$1 says=$2
	shift 2
	ask "$@"
	[ "$(cat "$dir/code")" = "$want" ] && jq -e --arg s "$says" '.status == "error" and (.error | contains($s))' "$dir/body" >/dev/null && return 0
	echo "$(cat "$dir/code") $(head -c 600 "$dir/body")"
	return 1
}
profile=/api/v1/profile
q='query={comm="shares"}'

# --- time lines ---
ok "a time line of one command is about what it has of a CPU" \
	holds '([.groups[0].values[] | numbers] | max) > 0.05 and ([.groups[0].values[] | numbers] | max) < 1.05' \
	$profile -G --data-urlencode "$q" -d format=series -d from=now-1m
ok "null before the recording began" holds '.total[0] == null and (.total | length) >= 359' \
	$profile -d format=series -d from=now-1h -d step=10s -G
ok "groups and their total are the same" \
	holds '([.groups[].total] | add) as $sum | ([.groups[].samples[]] | add) > 100 and $sum > 0 and .unit == "cores"' \
	$profile -G -d format=series -d group_by=service_name -d from=now-5m
ok "services: share and trend" \
	holds '([.[].share] | add) > 0.99 and ([.[].share] | add) < 1.01 and ([.[] | select(.service_name == "shares")] | length) == 1 and (.[0].trend | length) >= 24' \
	"/api/v1/services?from=now-5m"

# --- labels ---
ok "labels" holds '.status == "success" and (.data | index("service_name") != null)' /api/v1/labels
ok "values of one" holds '.data | index("shares") != null' /api/v1/label/service_name/values
ok "values of a match" holds '.data == ["shares"]' /api/v1/label/service/values -G --data-urlencode 'match[]={service_name=~"share."}'
ok "series" holds '(.data | length) >= 1 and ([.data[] | select(.service_name == "shares")] | length) == 1' /api/v1/series -G --data-urlencode 'match[]={service_name="shares"}'
ok "tiers" holds '.tiers[0].name == "memory" and .tiers[0].windows >= 1' /api/v1/tiers

# --- shapes: the same samples, another way ---
shape() { holds "$1" $profile -G --data-urlencode "$q" -d from=now-2m "${@:2}"; }
ok "focus keeps the stacks with a function" shape '.strings | index("phase_a") != null and index("phase_b") == null' --data-urlencode 'focus=^phase_a$'
ok "and says what it left out" shape '.left_out > 0 and .total > 0 and .left_out < .total' --data-urlencode 'focus=^phase_a$'
ok "ignore drops them" shape '.strings | index("phase_a") == null and index("phase_b") != null' --data-urlencode 'ignore=^phase_a$'
ok "hide takes the frame away, not its time" shape '.left_out == 0 and (.strings | index("main") == null and index("phase_a") != null)' --data-urlencode 'hide=^main$'
ok "groups are the outermost frames" shape '.strings | index("service_name=shares") != null' -d group_by=service_name
ok "merged by binary" shape '(.strings | map(select(endswith("/shares"))) | length) == 1 and (.strings | index("phase_a")) == null' -d merge=binary
ok "merged by category" shape '.strings | index("business") != null' -d merge=category
ok "top: shares carry their standard errors" shape '.rows[0].self_error_percent > 0 and .rows[0].self_error_percent < 25 and .stretches >= 1' -d format=top
busiest() {
	shape '.windows >= 2' || return 1
	local all
	all=$(jq .windows "$dir/body")
	# as many again may have come meanwhile
	shape ".windows >= 1 and .windows <= $((all / 5 + 1))" --data-urlencode busiest=10%
}
ok "the busiest tenth has fewer windows" busiest
ok "tiers used are told" shape '.tiers.memory >= 1 and .files_refused == 0'
script() {
	get "$profile" -G --data-urlencode "$q" -d from=now-1m -d format=perf-script >"$dir/script"
	# a header line is "comm pid/tid [cpu] time: period event:", its frames follow with a tab
	awk '/^shares +[0-9]+\/[0-9]+ +\[[0-9]+\] +[0-9]+\.[0-9]+: +[0-9]+ cpu-clock:$/ { n++; next }
	     /^\t *[0-9a-f]+ .+ \(.+\)$/ { f++; next } /^$/ { next } { print "unexpected: " $0; bad = 1 }
	     END { print "# " n " samples, " f " frames"; exit bad || n < 20 || f < 2 * n }' "$dir/script"
}
ok "perf-script is what perf script prints" script

# --- events ---
ok "a deploy is recorded" holds '.id >= 0' /api/v1/events -H 'Content-Type: application/json' -d '{"service":"shares","version":"2.0","git_ref":"abcdef"}'
ok "and read as annotation" holds '[.[] | select(.title == "shares 2.0" and .kind == "deploy" and .git_ref == "abcdef" and .time > 1e12)] | length == 1' /api/v1/events
ok "and stands on the time line" holds '[.events[] | select(.version == "2.0")] | length == 1' $profile -G -d format=series

# --- questions that cannot be answered ---
ok "reversed range" refuses 400 "is not before until" "$profile?from=now&until=now-1h"
ok "future range" refuses 400 "lies in the future" "$profile?from=$(($(date +%s) + 86400))&until=$(($(date +%s) + 90000))"
ok "no time" refuses 400 "'soon' is not a time" "$profile?from=soon"
ok "selector: position and what was expected" refuses 400 "position" $profile -G --data-urlencode 'query={comm='
ok "expression: position" refuses 400 "position 8: regular expression" $profile -G --data-urlencode 'query={comm=~"("}'
ok "unknown label, and the one that was meant" refuses 400 "did you mean 'service_name'?" $profile -G --data-urlencode 'query={servicename="x"}'
ok "unknown label to group by" refuses 400 "no label 'colour' in the history" "$profile?group_by=colour"
ok "unknown format" refuses 400 "format: 'svg' is not known; allowed: flamegraph" "$profile?format=svg"
ok "unknown parameter" refuses 400 "form: unknown parameter; allowed" "$profile?form=1"
ok "a parameter that does not go with the format" refuses 400 "does not go with this format" "$profile?format=pprof&invert=1"
ok "unknown path" refuses 404 "there is no such path" /api/v1/profiles
ok "wrong method" refuses 405 "allowed: GET, HEAD" /api/v1/labels -X DELETE
ever() {
	local t0=${EPOCHREALTIME/./}
	refuses 400 "takes too many steps" $profile -G --data-urlencode 'focus=(.|..|...)*(.|..|...)*[!?]' || return 1
	local ms=$(((${EPOCHREALTIME/./} - t0) / 1000))
	echo "# refused after $ms ms"
	[ $ms -lt 5000 ]
}
ok "an expression that would run for ever" ever

huge() {
	python3 - "$port" "$token" <<'P'
import base64, socket, sys
port, token = int(sys.argv[1]), sys.argv[2]
auth = base64.b64encode(f"x:{token}".encode()).decode()
s = socket.create_connection(("127.0.0.1", port))
s.settimeout(20)
head = b""
try:
    s.sendall(b"GET /api/v1/profile?query=")
    for _ in range(160):
        s.sendall(b"a" * 65536)
    s.sendall(f" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {auth}\r\n\r\n".encode())
except OSError:
    pass  # cut off before the end: as good
try:
    head = s.recv(4096)
except OSError:
    pass
print("#", head[:40] or "connection closed")
sys.exit(0 if not head or head.split()[1] in (b"414", b"431", b"400", b"413") else 1)
P
}
ok "a URL of 10 MB" huge
ok "the daemon is well after all that" holds '.tiers[0].windows >= 1' /api/v1/tiers

# --- a client that goes takes its query with it ---
gone() {
	local i
	for i in $(seq 20); do
		curl -s -m 0.02 -o /dev/null -u "x:$token" "http://127.0.0.1:$port$profile?from=now-1h&merge=line&format=perf-script"
	done
	holds '.samples > 0' "$profile?from=now-1m"
}
ok "clients that hang up do not keep the workers" gone

# --- the command ---
sock=(--socket "$dir/sock")
ok "ringprof query: shape and series" sh -c "build/ringprof query '{comm=\"shares\"}' --from now-2m --focus '^phase_a\$' ${sock[*]} | grep -q phase_a &&
	build/ringprof query -o series --group-by service_name --from now-2m ${sock[*]} | jq -e '.groups | length > 0' >/dev/null"
ok "ringprof query: what is wrong, status 2" sh -c "build/ringprof query --merge colour ${sock[*]} 2>'$dir/err'; [ \$? = 2 ] && grep -q 'merge:' '$dir/err'"
done_testing
