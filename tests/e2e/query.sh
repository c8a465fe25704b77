#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2016 # jq has variables of its own
# The history asked over HTTP: time lines, services, labels, shapes, events, and questions that
# cannot be answered. With a load of its own.
. "$(dirname "$0")/lib.sh"
work=build/workloads

ok "the daemon starts" start_daemon --frequency=499 --history-size=64MiB
# under a name of its own: another test's may run beside it
me=load$$
cp $work/shares "$dir/$me"
"$dir/$me" 400 >/dev/null &
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
	[ "$(cat "$dir/code")" = 200 ] && jq -e --arg me "$me" "$jq" "$dir/body" >/dev/null && return 0
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
q="query={comm=\"$me\"}"

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
	holds '([.[].share] | add) > 0.99 and ([.[].share] | add) < 1.01 and ([.[] | select(.service_name == $me)] | length) == 1 and (.[0].trend | length) >= 24' \
	"/api/v1/services?from=now-5m"

# --- labels ---
ok "labels" holds '.status == "success" and (.data | index("service_name") != null)' /api/v1/labels
ok "values of one" holds '.data | index($me) != null' /api/v1/label/service_name/values
ok "values of a match" holds '.data == [$me]' /api/v1/label/service/values -G --data-urlencode "match[]={service_name=~\"loa.$$\"}"
ok "series" holds '(.data | length) >= 1 and ([.data[] | select(.service_name == $me)] | length) == 1' /api/v1/series -G --data-urlencode "match[]={service_name=\"$me\"}"
ok "tiers" holds '.tiers[0].name == "memory" and .tiers[0].windows >= 1' /api/v1/tiers

# --- shapes: the same samples, another way ---
shape() { holds "$1" $profile -G --data-urlencode "$q" -d from=now-2m "${@:2}"; }
ok "focus keeps the stacks with a function" shape '.strings | index("phase_a") != null and index("phase_b") == null' --data-urlencode 'focus=^phase_a$'
ok "and says what it left out" shape '.left_out > 0 and .total > 0 and .left_out < .total' --data-urlencode 'focus=^phase_a$'
ok "ignore drops them" shape '.strings | index("phase_a") == null and index("phase_b") != null' --data-urlencode 'ignore=^phase_a$'
ok "hide takes the frame away, not its time" shape '.left_out == 0 and (.strings | index("main") == null and index("phase_a") != null)' --data-urlencode 'hide=^main$'
ok "groups are the outermost frames" shape '.strings | index("service_name=" + $me) != null' -d group_by=service_name
ok "merged by binary" shape '(.strings | map(select(endswith("/" + $me))) | length) == 1 and (.strings | index("phase_a")) == null' -d merge=binary
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
	awk -v me="$me" '$1 == me && /^[a-z0-9]+ +[0-9]+\/[0-9]+ +\[[0-9]+\] +[0-9]+\.[0-9]+: +[0-9]+ cpu-clock:$/ { n++; next }
	     /^\t *[0-9a-f]+ .+ \(.+\)$/ { f++; next } /^$/ { next }
	     # what a busy host lost meanwhile
	     /^# \[.+\] of the host, [0-9]+\.[0-9]+ to [0-9]+\.[0-9]+: [0-9]+ samples, [0-9]+ ns of CPU time$/ { next }
	     { print "unexpected: " $0; bad = 1 }
	     END { print "# " n " samples, " f " frames"; exit bad || n < 20 || f < 2 * n }' "$dir/script"
}
ok "perf-script is what perf script prints" script
ok "steps below a second come from single samples" holds '.raw and .step_ms == 50 and ([.groups[].samples[]] | add) > 20 and (.groups | all(.labels.cpu | test("^[0-9]+$")))' \
	$profile -G --data-urlencode "$q" -d format=series -d from=now-1m -d step=50ms -d group_by=cpu

# --- events ---
ok "a deploy is recorded" holds '.id >= 0' /api/v1/events -H 'Content-Type: application/json' -d '{"service":"shop","version":"2.0","git_ref":"abcdef"}'
ok "and read as annotation" holds '[.[] | select(.title == "shop 2.0" and .kind == "deploy" and .git_ref == "abcdef" and .time > 1e12)] | length == 1' /api/v1/events
ok "and stands on the time line" holds '[.events[] | select(.version == "2.0")] | length == 1' $profile -G -d format=series

# --- as Grafana asks: Connect over HTTP/1.1, by protobuf (bytes as its client packs them) and JSON ---
call=/querier.v1.QuerierService
grafana() {
	python3 - "$port" "$token" "$me" <<'P'
import base64, struct, sys, time, urllib.request
port, token, me = sys.argv[1:]
auth = "Basic " + base64.b64encode(f"ringprof:{token}".encode()).decode()
def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])
def text(field, s):
    return varint(field << 3 | 2) + varint(len(s)) + s.encode()
def num(field, n):
    return varint(field << 3) + varint(n)
def call(name, body):
    head = {"Authorization": auth, "Content-Type": "application/proto", "Connect-Protocol-Version": "1",
            "User-Agent": "connect-go/1.19.1", "Accept-Encoding": "identity"}
    url = f"http://127.0.0.1:{port}/querier.v1.QuerierService/{name}"
    with urllib.request.urlopen(urllib.request.Request(url, body, head)) as r:
        assert r.headers["Content-Type"] == "application/proto", r.headers["Content-Type"]
        return r.read()
def fields(b):
    i, out = 0, []
    def var():
        nonlocal i
        n = shift = 0
        while True:
            c = b[i]
            i += 1
            n |= (c & 127) << shift
            shift += 7
            if c < 128:
                return n
    while i < len(b):
        key = var()
        if key & 7 == 0:
            out.append((key >> 3, var()))
        elif key & 7 == 1:
            out.append((key >> 3, struct.unpack("<d", b[i:i + 8])[0]))
            i += 8
        else:
            n = var()
            out.append((key >> 3, b[i:i + n]))
            i += n
    return out
now = int(time.time() * 1000)
kind = "process_cpu:cpu:nanoseconds:cpu:nanoseconds"
sel = '{service_name="%s"}' % me
types = [dict(fields(t))[1].decode() for _, t in fields(call("ProfileTypes", num(1, now - 60000) + num(2, now)))]
assert kind in types, types
names = [v.decode() for _, v in fields(call("LabelNames", text(1, kind + sel) + num(2, now - 60000) + num(3, now)))]
assert "service_name" in names, names
values = [v.decode() for _, v in fields(call("LabelValues", text(1, "service_name") + text(2, sel) + num(3, now - 60000) + num(4, now)))]
assert values == [me], values
query = text(1, kind) + text(2, sel) + num(3, now - 120000) + num(4, now)
series = [fields(s) for _, s in fields(call("SelectSeries", query + text(5, "service_name") + varint(6 << 3 | 1) + struct.pack("<d", 15.0)))]
points = [dict(fields(p)) for f, p in series[0] if f == 2]
assert len(series) == 1 and sum(p[1] for p in points) > 1e9, points
graph = fields(dict(fields(call("SelectMergeStacktraces", query + num(5, 1024))))[1])
found = [v.decode() for f, v in graph if f == 1]
assert found[0] == "total" and "phase_a" in found and "main" in found, found[:20]
print(f"# {len(found)} names, {len(points)} points, {sum(p[1] for p in points) / 1e9:.1f} CPU seconds")
P
}
ok "the five calls of Grafana's data source" grafana
connect() { # and by the library that it makes them with: plain, gzip, JSON; errors as that reads them
	local set=$dir/messages
	protoc-c --descriptor_set_out="$set" -Idaemon/export daemon/export/profile.proto &&
		(cd tests/connect && go run . "$set" "http://127.0.0.1:$port" ringprof "$token" "$me")
}
if go_is 1 23; then
	ok "and by connect-go" connect
else
	skip "and by connect-go" "$(go env GOVERSION) is older than go1.23"
fi
ok "the same in JSON" holds '.profileTypes | length == 2' $call/ProfileTypes -H 'Content-Type: application/json' -d '{}'
ok "render" holds '.flamebearer.numTicks > 0 and (.flamebearer.names | index("phase_a") != null) and .metadata.format == "single"' \
	/pyroscope/render -G --data-urlencode "query=process_cpu:cpu:nanoseconds:cpu:nanoseconds{service_name=\"$me\"}" -d from=now-2m -d until=now
ok "its time line has a second between points at least, and reaches over the range" \
	holds '.timeline | .durationDelta >= 1 and .durationDelta * (.samples | length) >= 120' \
	/pyroscope/render -G --data-urlencode "query=process_cpu:cpu:nanoseconds:cpu:nanoseconds{}" -d from=now-2m -d until=now
now=$(date +%s)
# while the history's writer is behind, one side may be whole windows, and the other already exact
ok "render-diff: a range with itself" until_true 20 holds '.leftTicks == .rightTicks and .leftTicks > 0 and (.flamebearer.levels[0] | length) == 7' \
	"/pyroscope/render-diff?leftQuery=%7B%7D&rightQuery=%7B%7D&leftFrom=$((now - 10))&leftUntil=$((now - 2))&rightFrom=$((now - 10))&rightUntil=$((now - 2))"
connect_error() {
	ask $call/LabelNames -H 'Content-Type: application/json' -d '{"matchers":["{a="]}'
	[ "$(cat "$dir/code")" = 400 ] && grep -q '"code":"invalid_argument","message":"matchers: position' "$dir/body"
}
ok "Connect's errors" connect_error

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
ok "an export of the future" refuses 400 "lies in the future" "/api/v1/export?from=$(($(date +%s) + 86400))&until=$(($(date +%s) + 90000))"
ok "an export of nothing" refuses 400 "id, from: allowed" /api/v1/export
ok "an export of no pin" refuses 404 "there is no pin of that number" "/api/v1/export?id=77"
rubbish() { # 8 MiB that are no export, with their size told and without
	head -c 8M /dev/urandom >"$dir/rubbish"
	refuses 400 "no export of ringprof, or damaged" /api/v1/import --data-binary "@$dir/rubbish" &&
		refuses 400 "no export of ringprof, or damaged" /api/v1/import -H 'Transfer-Encoding: chunked' --data-binary "@$dir/rubbish" &&
		holds '.pins == []' /api/v1/pins && ! ls "$dir"/history/*.tmp 2>/dev/null
}
ok "an import of something else leaves nothing" rubbish
enough() { # more than pins may hold: refused by the figure, before anything of it is there, and while it comes
	refuses 409 "this one needs 41943040" /api/v1/import --data-binary @<(head -c 40M /dev/zero) || return 1
	get "/api/v1/export?from=now-1m" -o "$dir/begin" || return 1
	refuses 409 "pins may hold" /api/v1/import -H 'Transfer-Encoding: chunked' -T - --request POST < <(cat "$dir/begin"; head -c 40M /dev/zero) && ! ls "$dir"/history/*.tmp 2>/dev/null
}
ok "an import beyond what pins may hold" enough
ok "a body too large elsewhere" refuses 413 "the body has" /api/v1/events --data-binary "@$dir/rubbish"
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
	for _ in $(seq 20); do
		curl -s -m 0.02 -o /dev/null -u "x:$token" "http://127.0.0.1:$port$profile?from=now-1h&merge=line&format=perf-script"
	done
	holds '.samples > 0' "$profile?from=now-1m"
}
ok "clients that hang up do not keep the workers" gone

# --- the command ---
sock=(--socket "$dir/sock")
ok "ringprof query: shape and series" sh -c "build/ringprof query '{comm=\"$me\"}' --from now-2m --focus '^phase_a\$' ${sock[*]} | grep -q phase_a &&
	build/ringprof query -o series --group-by service_name --from now-2m ${sock[*]} | jq -e '.groups | length > 0' >/dev/null"
ok "ringprof query: what is wrong, status 2" sh -c "build/ringprof query --merge colour ${sock[*]} 2>'$dir/err'; [ \$? = 2 ] && grep -q 'merge:' '$dir/err'"
done_testing
