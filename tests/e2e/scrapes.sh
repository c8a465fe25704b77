#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Scrapes against the counters and against the history; what a reader gets of them.
# SCRAPES (10) of SCRAPE_SECONDS (2) back to back; the full proof has 30 of 7.
. "$(dirname "$0")/lib.sh"

ok "the daemon starts" start_daemon --frequency=499
# a host without work has no samples to add up
build/workloads/steady 1000 >/dev/null 2>&1 &
pids+=($!)

cat >"$dir/scrape.py" <<'P'
import base64, gzip, json, os, re, sys, threading, time, urllib.parse, urllib.request
sys.path.insert(0, "tests/lib")
import pprof
port, token = sys.argv[1:3]
auth = {"Authorization": "Basic " + base64.b64encode(f"x:{token}".encode()).decode()}
def get(path, agent="test"):
    r = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=dict(auth, **{"User-Agent": agent}))
    return urllib.request.urlopen(r, timeout=60).read()
def read(raw):
    return pprof.read(gzip.decompress(raw))
def end(p):
    return p.time_nanos + p.duration_nanos
def counters():
    """-> emitted, lost in all, and the wall time after which it was read, ns"""
    t = get("/metrics").decode()
    n = {(o, r): int(v) for o, r, v in
         re.findall(r'^ringprof_samples_total\{outcome="(\w+)",reason="([^"]*)"\} (\d+)$', t, re.M)}
    return n["emitted", ""], sum(v for (o, _), v in n.items() if o in ("throttled", "nested", "lost")), time.time_ns()
def sums(p):
    """-> samples, lost"""
    lost = sum(v[0] for v, stack in p.samples if stack[0].startswith("[lost"))
    return sum(v[0] for v, _ in p.samples) - lost, lost
P

back_to_back() {
	cat "$dir/scrape.py" - >"$dir/chain.py" <<'P'
HZ, CPUS = 499, int(sys.argv[3])
N, EACH = int(os.environ.get("SCRAPES", 10)), int(os.environ.get("SCRAPE_SECONDS", 2))
# Everything before the end of this one is counted, and as little more as the reading takes.
# The same question as the others: a reader goes on where its own last answer ended, however late that came.
readings, done = [], threading.Event()
def read_on():
    while not done.is_set():
        readings.append(counters())
        time.sleep(0.25)
poll = threading.Thread(target=read_on)
poll.start()
first = get(f"/debug/pprof/profile?seconds={EACH}")
# read beside the first scrape: a busy host takes longer for it than readers have to go on
before = []
reading = threading.Thread(target=lambda: before.append(counters()))
reading.start()
raw = [get(f"/debug/pprof/profile?seconds={EACH}") for _ in range(N)]
after = counters()
reading.join()
done.set()
poll.join()
before = before[0]
first = read(first)
at, samples, lost = end(first), 0, 0
for i, r in enumerate(raw):
    p = read(r)
    if p.time_nanos != at or p.duration_nanos != EACH * 10**9:
        sys.exit(f"scrape {i} begins {p.time_nanos - at} ns off, lasts {p.duration_nanos}")
    s, l = sums(p)
    samples, lost, at = samples + s, lost + l, end(p)
# the counters know of samples up to the reading at most, [end, reading) is in no scrape
over = [(t - e) * HZ * CPUS / 1e9 + CPUS for t, e in ((before[2], end(first)), (after[2], at))]
diff = after[0] - before[0] - samples
print(f"# {samples} samples in {N} scrapes, the counter {after[0] - before[0]}: {diff:+d}, allowed {-over[0]:.0f} to {over[1]:+.0f}")
print(f"# lost {lost}, the counters {after[1] - before[1]}")
if not samples > 100 or not -over[0] <= diff <= over[1]:
    sys.exit(1)
# Losses are seen at each drain, about once a second, and stand in the window that is open then: those of
# the drain in which the first scrape ended are in the next one, and of the last one in none.
def new(until, lost):
    return lost - max((r[1] for r in readings if r[2] <= until - 1.5e9), default=readings[0][1])
most, least = new(end(first), before[1]), new(at, after[1])
some = max(20, 0.02 * samples)
diff = lost - (after[1] - before[1])
print(f"# lost: the scrapes differ by {diff:+d}, allowed {-least - some:.0f} to {most + some:+.0f}")
if not -least - some <= diff <= most + some:
    sys.exit(1)
P
	python3 "$dir/chain.py" "$port" "$token" "$(get /api/v1/status | jq .source.cpus)"
}
ok "the sum of scrapes is the change of the emitted counter" back_to_back

overlapping() {
	cat "$dir/scrape.py" - >"$dir/overlap.py" <<'P'
import threading
got = []
def one(i, seconds):
    time.sleep(0.137 * i)
    got.append((seconds, get(f"/debug/pprof/profile?seconds={seconds}", f"reader {i}")))
threads = [threading.Thread(target=one, args=(i, 1 + i % 5)) for i in range(20)]
for t in threads: t.start()
for t in threads: t.join()
bad = 0
for seconds, raw in got:
    p = read(raw)
    h = json.loads(get(f"/api/v1/profile?from={p.time_nanos}&until={end(p)}&max_nodes=1"))
    want = (h["samples"], h["lost_samples"])
    if p.duration_nanos != seconds * 10**9 or sums(p) != want:
        print(f"{seconds} s: lasts {p.duration_nanos}, has {sums(p)}, the history of the same time {want}")
        bad += 1
sys.exit(bad or len(got) != 20)
P
	python3 "$dir/overlap.py" "$port" "$token"
}
ok "20 overlapping ones are each exactly their stretch of the history" overlapping

# --- labels and selectors ---
labels_of() { # QUERY: keys of labels, one a line
	get "/debug/pprof/profile?seconds=1$1" -o "$dir/l.pb.gz" || return 1
	go tool pprof -tags "$dir/l.pb.gz" 2>/dev/null | sed -nE 's/^ *([a-z_]+): Total.*/\1/p' | sort | tr '\n' ' '
}
has_labels() { local got; got=$(labels_of "$1"); [ "$got" = "$2" ] || { echo "labels: $got"; return 1; }; }
ok "service_name is the only label" has_labels "" "service_name "
ok "pid, tid and cpu on request" has_labels "&labels=pid,tid,cpu" "cpu pid service_name tid "
only_steady() {
	get "/debug/pprof/profile?seconds=2&labels=pid&query=%7Bcomm%3D%22steady%22%7D" -o "$dir/q.pb.gz" &&
		go tool pprof -tags "$dir/q.pb.gz" 2>/dev/null >"$dir/tags"
	# losses have no service: they are the host's
	if [ "$(grep -cE '%\): [0-9]+$' "$dir/tags")" != 1 ] || ! grep -qE ": ${pids[0]}\$" "$dir/tags"; then
		cat "$dir/tags"
		return 1
	fi
}
ok "query= selects" only_steady

# --- go tool pprof ---
quiet() { [ ! -s "$1" ] || ! grep -vE '^(Main binary filename not available\.|Serving web UI.*)?$' "$1"; }
tool=$(go tool -n pprof) # the program itself: `go tool` is its parent and no signal goes through
web() {
	local at status=1
	at=localhost:$(free_port)
	PPROF_TMPDIR=$dir "$tool" -http "$at" -no_browser "$dir/q.pb.gz" >/dev/null 2>"$dir/web.err" &
	pids+=($!)
	for _ in $(seq 100); do
		curl -fsS "http://$at/ui/flamegraph" -o "$dir/flame.html" 2>/dev/null && status=0 && break
		sleep 0.1
	done
	curl -fsS "http://$at/ui/top" -o "$dir/top.html"
	kill "${pids[-1]}"
	cat "$dir/web.err"
	[ $status = 0 ] && quiet "$dir/web.err" && grep -q 'stackViewer(' "$dir/flame.html" &&
		grep -q 'steady_inner' "$dir/flame.html" && grep -q 'steady_inner' "$dir/top.html"
}
disasm() {
	"$tool" -disasm steady_inner "$dir/q.pb.gz" >"$dir/asm" 2>"$dir/asm.err" || { cat "$dir/asm.err"; return 1; }
	# flat time at an address of the routine
	head "$dir/asm"
	grep -q '^ROUTINE =* steady_inner$' "$dir/asm" &&
		grep -qE '^ +[0-9.]+m?s +[0-9.]+m?s +[0-9a-f]+:' "$dir/asm"
}
list() {
	"$tool" -list steady_inner "$dir/q.pb.gz" >"$dir/list" 2>&1
	grep -qE '^(ROUTINE =* steady_inner|No source information for steady_inner)' "$dir/list" || { cat "$dir/list"; return 1; }
}
ok "go tool pprof -http draws its flame graph without a warning" web
ok "-list knows the routine" list
ok "-disasm puts samples on instructions" disasm

# --- Prometheus ---
targets() {
	get /api/v1/targets >"$dir/targets.json"
	jq -e 'length > 0 and all(.[]; (.targets | length == 1) and (.labels | all(.[]; type == "string")))' "$dir/targets.json" >/dev/null || return 1
	[ "$(get /api/v1/targets -o /dev/null -w '%{content_type}')" = application/json ] || return 1
	printf 'scrape_configs:\n  - job_name: x\n    file_sd_configs:\n      - files: [%s]\n' "$dir/targets.json" >"$dir/prom.yml"
	promtool check config "$dir/prom.yml"
}
ok "/api/v1/targets is what Prometheus reads" targets

agree() {
	cat "$dir/scrape.py" - >"$dir/agree.py" <<'P'
status = json.loads(get("/api/v1/status"))
emitted, _, _ = counters()
later = json.loads(get("/api/v1/status"))
rate = 499 * status["source"]["cpus"]
if not status["samples"]["emitted"] <= emitted <= later["samples"]["emitted"]:
    sys.exit(f"/metrics says {emitted}, status {status['samples']['emitted']} and {later['samples']['emitted']}")
whole = json.loads(get("/api/v1/profile?from=0&max_nodes=1"))
after, _, _ = counters()
print(f"# status {later['samples']['emitted']} <= history {whole['samples']} <= metrics {after}")
# the history was asked for in between: it has all that is known by then
if not later["samples"]["emitted"] <= whole["samples"] <= after:
    sys.exit(1)
P
	python3 "$dir/agree.py" "$port" "$token"
}
ok "status, /metrics and the history agree" agree

# --- a thousand requests ---
# descriptors, threads, KiB. Not the history's files, which grow with time, and
# each mapped file once: the symbolizer holds those of programs that come.
resources() {
	echo "$(find "/proc/$daemon_pid/fd" -type l ! -lname "$dir/history/*" -printf '%l\n' | sort |
		awk '!/^\// || $0 == last { n++ } { last = $0 } END { print n }') $(
		awk '/^Threads|^RssAnon/ { print $2 }' "/proc/$daemon_pid/status" | sort -n | tr '\n' ' ')"
}
ask() { # N: that many requests of each sort, each on a connection of its own
	for u in /api/v1/status /metrics "/api/v1/profile?format=top&from=now-5s" /nothing; do
		seq -f "url=http://127.0.0.1:$port$u%.0fx" "$1" | sed "s|$u.*|$u\"|; s|url=|url=\"|" >"$dir/urls"
		curl -s -u "x:$token" --no-keepalive -H 'Connection: close' -K "$dir/urls" >/dev/null
	done
}
round() {
	local before after
	read -ra before <<<"$(resources)"
	ask 250
	sleep 0.3
	read -ra after <<<"$(resources)"
	echo "# fds ${before[0]} -> ${after[0]}, threads ${before[1]} -> ${after[1]}, RssAnon ${before[2]} -> ${after[2]} KiB"
	[ "${after[0]}" -le "${before[0]}" ] && [ "${after[1]}" = "${before[1]}" ] && [ $((after[2] - before[2])) -lt 2048 ]
}
# What a request leaves behind is there after every thousand of them; tables of
# a program that came meanwhile are there after one.
thousand() {
	ask 50
	round || round || round
}
ok "1000 requests leave no descriptor, thread or memory behind" thousand

# --- the end with many waiting ---
told() {
	local i start end told=0 waiting=()
	for i in $(seq 50); do
		curl -s -m 20 -o "$dir/end.$i" -w '%{http_code}\n' -u "x:$token" \
			"http://127.0.0.1:$port/debug/pprof/profile?seconds=60" >"$dir/code.$i" &
		waiting+=($!)
	done
	for i in $(seq 100); do
		[ "$(get /metrics | awk '$1 == "ringprof_http_scrapes_waiting" { print $2 }')" = 50 ] && break
		sleep 0.1
	done
	start=$(date +%s%N)
	stop_daemon || { echo "status $?"; return 1; }
	end=$(date +%s%N)
	wait "${waiting[@]}"
	told=$(cat "$dir"/code.* | grep -c 503)
	echo "# stopped in $(((end - start) / 1000000)) ms, $told of 50 were answered 503"
	[ "$told" = 50 ] && [ $((end - start)) -lt 2000000000 ]
}
ok "SIGTERM while 50 scrapes wait: all are told, it ends in 2 s with status 0" told
done_testing
