#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Scrapes against each other: one long range is exactly the short ones in it,
# 256 may wait, and whoever hangs up is gone.
. "$(dirname "$0")/lib.sh"

ok "the daemon starts" start_daemon --frequency=999

exact() {
	python3 - "$port" "$token" <<'P'
import collections, gzip, sys, threading, urllib.request
sys.path.insert(0, "tests/lib")
import pprof
port, token = sys.argv[1:]
def scrape(query):
    r = urllib.request.Request(f"http://127.0.0.1:{port}/debug/pprof/profile?{query}",
                               headers={"Authorization": f"Bearer {token}"})
    return urllib.request.urlopen(r).read()
def read(raw):
    return pprof.read(gzip.decompress(raw), inlines=False)
def add(stacks, p):
    for values, stack in p.samples:
        stacks[tuple(stack)] += values[0]
        stacks["ns"] += values[1]
def ranges():
    """-> end of a first one, the long one, the short ones: all go on at that end"""
    first, long = scrape("seconds=1"), []
    t = threading.Thread(target=lambda: long.append(scrape("seconds=6&other=1")))
    t.start()
    short = [scrape("seconds=2") for _ in range(3)]
    t.join()
    first = read(first)
    return first.time_nanos + first.duration_nanos, read(long[0]), [read(r) for r in short]
# an answer that a busy host gave too late is nobody's to go on from: then once more
for _ in range(4):
    begin, long, short = ranges()
    if long.time_nanos == short[0].time_nanos == begin:
        break
    print(f"# the first answer came late: {(short[0].time_nanos - begin) / 1e6:.0f} ms")
whole, parts = collections.Counter(), collections.Counter()
add(whole, long)
for p in short:
    add(parts, p)
print(f"# {long.duration_nanos / 1e9:.0f} s: {sum(whole.values()) - whole['ns']} samples in {len(whole)} stacks")
if [p.time_nanos for p in [long] + short] != [begin] + [begin + i * 2 * 10**9 for i in range(3)]:
    sys.exit(f"ranges begin at {[p.time_nanos - begin for p in [long] + short]}")
if whole != parts or len(whole) < 10:
    sys.exit(f"differ: {(whole - parts) + (parts - whole)}")
P
}
ok "a range is exactly the ranges it is made of, stack by stack" exact

crowd() {
	python3 - "$port" "$token" <<'P'
import re, socket, sys, time, urllib.request
port, token = int(sys.argv[1]), sys.argv[2]
ask = (f"GET /debug/pprof/profile?seconds=60 HTTP/1.1\r\nHost: localhost\r\n"
       f"Authorization: Bearer {token}\r\n\r\n").encode()
def metric(name):
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    return int(re.search(rf"^{name} (\d+)$", text, re.M)[1])
def becomes(name, want):
    end = time.time() + 10
    while metric(name) != want and time.time() < end:
        time.sleep(0.1)
    if metric(name) != want:
        sys.exit(f"{name} is {metric(name)}, not {want}")
socks = []
for _ in range(256):
    socks.append(socket.create_connection(("127.0.0.1", port)))
    socks[-1].sendall(ask)
becomes("ringprof_http_scrapes_waiting", 256)
s = socket.create_connection(("127.0.0.1", port))
s.sendall(ask)
head = s.recv(4096).decode()
if not head.startswith("HTTP/1.1 503 ") or not re.search(r"\r\nRetry-After: \d+\r\n", head):
    sys.exit(f"one more: {head}")
before = metric("ringprof_http_hangups_total")
for s in socks:
    s.close()
becomes("ringprof_http_scrapes_waiting", 0)
becomes("ringprof_http_hangups_total", before + 256)
P
}
ok "256 may wait, the next is told when to come again, hang-ups free their place" crowd
ok "the daemon is well afterwards" get "/debug/pprof/profile?seconds=1" -o /dev/null
waits() { [ "$(get /metrics | awk '$1 == "ringprof_http_scrapes_waiting" { print $2 }')" = 1 ]; }
stops() {
	curl -s -m 40 -u "x:$token" "http://127.0.0.1:$port/debug/pprof/profile?seconds=60" >"$dir/told" &
	local scrape=$!
	until_true 20 waits && stop_daemon && wait $scrape && grep -q stopping "$dir/told" || { cat "$dir/told"; return 1; }
}
ok "and stops while somebody waits" stops
done_testing
