#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# From samples of this host to profiles: shares, names, scrapes, formats, command.
. "$(dirname "$0")/lib.sh"
work=build/workloads
folded=tests/lib/folded.py

ok "the daemon starts" start_daemon --frequency=999

# --- known shares, by the API ---
$work/shares 12 >"$dir/truth" &
shares_pid=$!
get "/debug/pprof/profile?seconds=10" -o "$dir/cpu.pb.gz" -D "$dir/head"
wait $shares_pid
header() { grep -qi "^$1" "$dir/head" || { cat "$dir/head"; return 1; }; }
ok "headers as net/http/pprof gives them" header "content-type: application/octet-stream"
ok "attachment named profile" header 'content-disposition: attachment; filename="profile"'
ended=$(date +%s%3N)
query() { # SELECTOR FORMAT FILE
	get "/api/v1/profile" -G --data-urlencode "query=$1" -d from=now-2m -d "format=$2" -o "$3"
}
sleep 10.5 # windows close on tens of seconds
ok "the daemon has got so far" recorded "$ended"
ok "folded stacks of one command" query '{comm="shares"}' folded "$dir/shares.folded"
ok "70/20/10 within the sampling error" $folded shares "$dir/shares.folded" "$dir/truth"
ok "stacks reach main and go on into libc" $folded has "$dir/shares.folded" main phase_a
head -3 "$dir/shares.folded" | sed 's/^/# /'

quiet_pprof() {
	go tool pprof "$@" >"$dir/pprof.out" 2>"$dir/pprof.err" || { cat "$dir/pprof.err"; return 1; }
	grep -vE '^(Main binary filename not available\.)?$' "$dir/pprof.err" && return 1
	return 0
}
# -cum: what the compiler put inline is a function of its own, and has the flat value
ok "go tool pprof -top reads it without a word" quiet_pprof -top -cum "$dir/cpu.pb.gz"
ok "and names phase_a first among the phases" \
	sh -c "grep -o 'phase_[abc]' '$dir/pprof.out' | head -1 | grep -q phase_a"
ok "go tool pprof -raw too" quiet_pprof -raw "$dir/cpu.pb.gz"
fetch() { PPROF_TMPDIR=$dir go tool pprof -top "http://x:$token@127.0.0.1:$port/debug/pprof/profile?seconds=1" >/dev/null 2>"$dir/pprof.err"; }
ok "go tool pprof fetches it by URL" fetch
pgo() {
	mkdir -p "$dir/pgo" && cat >"$dir/pgo/main.go" <<-'G'
	package main

	func main() { println("x") }
	G
	cp "$dir/cpu.pb.gz" "$dir/pgo/default.pgo"
	(cd "$dir/pgo" && GO111MODULE=off GOFLAGS="" GOCACHE="$dir/gocache" go build -pgo=default.pgo -o x main.go)
}
if go_is 1 21; then
	ok "go build -pgo takes it" pgo
else
	skip "go build -pgo takes it" "$(go env GOVERSION) is older than go1.21"
fi

# --- scrapes one after the other ---
back_to_back() {
	python3 - "$port" "$token" <<'P'
import base64, gzip, json, sys, urllib.request
sys.path.insert(0, "tests/lib")
import pprof
port, token = sys.argv[1:]
auth = {"Authorization": "Basic " + base64.b64encode(f"x:{token}".encode()).decode()}
def get(path):
    return urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=auth)).read()
end, total, n = None, 0, 6
first = None
# read when all are here: a reader has a quarter of a second to go on where it was
raw = [get("/debug/pprof/profile?seconds=2") for _ in range(n)]
for i, r in enumerate(raw):
    p = pprof.read(gzip.decompress(r))
    if end is not None and p.time_nanos != end:
        sys.exit(f"scrape {i} begins {p.time_nanos - end} ns after the end of the one before")
    if p.duration_nanos != 2_000_000_000:
        sys.exit(f"lasts {p.duration_nanos} ns")
    first = first or p.time_nanos
    end = p.time_nanos + p.duration_nanos
    total += sum(v[0] for v, stack in p.samples if not stack[0].startswith("[lost"))
# the same stretch of time once more, out of the history
whole = json.loads(get(f"/api/v1/profile?from={first}&until={end}&format=flamegraph"))
print(f"# {n} scrapes: {total} samples; history of the same windows: {whole['samples']}")
sys.exit(0 if total > 100 and whole["samples"] >= total else 1)
P
}
# a load of known length: an idle host gives no samples to count
$work/shares 16 >/dev/null &
load_pid=$!
ok "scrapes back to back leave nothing out and count nothing twice" back_to_back
kill $load_pid
wait $load_pid 2>/dev/null || true

# --- formats ---
json_has() { # FORMAT EXPRESSION
	get "/api/v1/profile?format=$1&from=now-2m" >"$dir/json" && jq -e "$2" "$dir/json" >/dev/null || { head -c 300 "$dir/json"; return 1; }
}
ok "flamegraph is JSON, and more than a root" json_has flamegraph '.nodes.parent | length > 10'
ok "speedscope is JSON" json_has speedscope '[.profiles[].samples | length] | add > 5'
# of one command: on a busy host others may fill the rows
ok "top as text" sh -c "curl -fsS -u 'x:$token' 'http://127.0.0.1:$port/api/v1/profile?format=top&text=1&from=now-2m&query=comm%3D%22shares%22' | grep -q phase_a"

# --- who may, and what is wrong ---
is_code() { local want=$1 got; shift; got=$(code "$@"); [ "$got" = "$want" ] || { echo "$got, not $want"; return 1; }; }
ok "401 without the credential" is_code 401 /debug/pprof/profile?seconds=1
ok "401 with a wrong one" is_code 401 /api/v1/status -H 'Authorization: Bearer wrong'
ok "200 as bearer" is_code 200 /api/v1/status -H "Authorization: Bearer $token"
ok "/metrics is open" is_code 200 /metrics
ok "400 names the parameter" sh -c "curl -s -u 'x:$token' 'http://127.0.0.1:$port/api/v1/profile?from=yesterday' | grep -q from"
ok "404" is_code 404 /nothing -u "x:$token"
ok "405" is_code 405 /api/v1/profile -u "x:$token" -X POST
ok "foreign Host is refused" sh -c "case \$(curl -s -o /dev/null -w '%{http_code}' -u 'x:$token' -H 'Host: evil.example' http://127.0.0.1:$port/) in 403|421) ;; *) exit 1 ;; esac"
ok "unknown parameters are tolerated under /debug/pprof" is_code 200 '/debug/pprof/profile?seconds=1&seconds=2&x=y' -u "x:$token"

metrics_hold() {
	get /metrics >"$dir/metrics"
	promtool check metrics <"$dir/metrics" || return 1
	grep -q '^ringprof_samples_total{outcome="emitted"' "$dir/metrics" &&
		grep -q '^ringprof_cpu_seconds_total{.*mode="user"' "$dir/metrics"
}
ok "promtool finds nothing in /metrics" metrics_hold

# --- CPU seconds against the kernel's own books ---
books() {
	$work/halfidle 25 >"$dir/half" &
	local p=$! stat
	sleep 24
	stat=$(awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) / hz }' "/proc/$p/stat")
	wait $p
	# its last samples have come; the ended are forgotten from 10 s on
	sleep 4
	get /api/v1/processes >"$dir/processes"
	python3 - "$dir/processes" "$p" "$stat" <<'P'
import json, math, sys
rows = json.load(open(sys.argv[1]))
rows = rows.get("processes", rows.get("data", rows)) if isinstance(rows, dict) else rows
mine = [r for r in rows if r["pid"] == int(sys.argv[2])]
got, want = mine[0]["cpu_seconds"], float(sys.argv[3])
# 2 % and five standard errors of a count of 1 ms samples, and what ran after the reading
limit = 0.02 * want + 5 * math.sqrt(want / 999) + 0.7
print(f"# profile {got:.2f} s, /proc/PID/stat {want:.2f} s, limit {limit:.2f}")
sys.exit(abs(got - want) > limit)
P
}
ok "CPU seconds of a half idle process agree with /proc/PID/stat" books

# --- the command ---
sock=(--socket "$dir/sock")
ok "ringprof status" sh -c "build/ringprof status ${sock[*]} | grep -q 'source   perf'"
ok "ringprof status --json" sh -c "build/ringprof status --json ${sock[*]} | jq -e '.daemon.source.name == \"perf\"'"
ok "ringprof query" sh -c "build/ringprof query '{comm=\"shares\"}' --from now-3m ${sock[*]} | grep -q phase_a"
ok "ringprof query: wrong selector gives 2 and a position" \
	sh -c "build/ringprof query '{comm=~\"(\"}' ${sock[*]} 2>'$dir/err'; [ \$? = 2 ] && grep -qi 'position' '$dir/err'"
ok "ringprof top" sh -c "build/ringprof top --once ${sock[*]} | grep -qE '^[1-9][0-9]* samples, '"
ok "ringprof record of a command, beside the daemon" \
	rp record -F 999 -o "$dir/rec.folded" -- $work/shares 4
$work/shares 3 >"$dir/truth2" &
ok "stop the daemon" stop_daemon
wait
ok "ringprof record without a daemon, exit status of the command" \
	sh -c "build/ringprof record -F 999 --socket /nonexistent -o '$dir/rec2.folded' -- sh -c '$work/shares 4 >$dir/truth3; exit 7'; [ \$? = 7 ]"
ok "its shares hold" $folded shares "$dir/rec2.folded" "$dir/truth3"
ok "record of a short-lived process names its functions" \
	sh -c "build/ringprof record -F 4999 -o '$dir/short.folded' -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do $work/shares 0.02 >/dev/null; done' && $folded has '$dir/short.folded' main phase_a"
ok "no daemon: status 3" sh -c "build/ringprof query --socket /nonexistent >/dev/null 2>&1; [ \$? = 3 ]"
ok "ringprof doctor" sh -c "build/ringprof doctor --socket /nonexistent | grep -q 'best source here: perf'"
done_testing
