#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Names of code that is in no ELF symbol table: perf maps, jitdumps, Go's own
# table; names asked for after the process is gone and the address was used
# again; and what stands in the place of a map.
. "$(dirname "$0")/lib.sh"

flags=(-std=gnu11 -O2 -D_GNU_SOURCE -fno-omit-frame-pointer -Wall)
ok "the workload is built" gcc "${flags[@]}" -o "$dir/jitter" tests/workloads/jit.c
mkdir "$dir/dumps" "$dir/src"
cat >"$dir/src/hot.js" <<'J'
function hotInner(n) { let s = 0; for (let i = 0; i < n; i++) s = (s * 31 + i) | 0; return s; }
function hotOuter() { let t = 0; for (;;) t ^= hotInner(200000); }
hotOuter();
J
cat >"$dir/src/main.go" <<'G'
package main

type gopher struct{ n uint64 }

func bite(x uint64) uint64 { x ^= x << 13; x ^= x >> 7; x ^= x << 17; return x }

//go:noinline
func (g *gopher) dig() { for i := 0; i < 1000000; i++ { g.n += bite(uint64(i) ^ g.n) } }
func main() { c := make(chan int); go func() { g := &gopher{}; for { g.dig() } }(); <-c }
G
if command -v go >/dev/null; then
	(cd "$dir/src" && GO111MODULE=off GOCACHE=$dir/gocache GOFLAGS='' go build -ldflags='-s -w' -o "$dir/strippedgo" main.go)
fi
cat >"$dir/src/plain.c" <<'C'
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void)
{
	static const unsigned char f[] = { 0x55, 0x48, 0x89, 0xe5, 0xb9, 0, 0, 0x40, 0, 0xff, 0xc9, 0x75, 0xfc, 0x5d, 0xc3 };
	unsigned char *p = mmap(0, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(p, f, sizeof(f));
	for (;;) {
		((void (*)(void))p)();
		usleep(10000);
	}
}
C
gcc -O1 -o "$dir/plain" "$dir/src/plain.c"

ok "the daemon starts" start_daemon --frequency=499
maps=()
run() { "$@" >/dev/null 2>&1 & pids+=($!); }

# two processes with other code at the same address, one by map, one by dump
# (in a directory of its own), each with three functions at that address
"$dir/jitter" map m 3 >"$dir/m.json" &
mapper=$!
(cd "$dir/dumps" && exec "$dir/jitter" dump d 3 >"$dir/d.json") &
dumper=$!
maps+=("/tmp/perf-$mapper.map")
# a third in a container's way: its own pid namespace, and a /tmp that nobody else sees
away=$(mktemp -d /var/tmp/ringprof-jit-XXXXXX) apart=
trap 'cleanup; rm -rf "$away" ${apart:+"$apart"}' EXIT
cp "$dir/jitter" "$away/"
unshare -m -p -f sh -c "mount -t tmpfs none /tmp && exec $away/jitter map c 3" >"$dir/c.json" &
contained=$!

if command -v node >/dev/null; then
	ln -s "$(command -v node)" "$dir/jitnode"
	run "$dir/jitnode" --perf-basic-prof --no-logfile-per-isolate --logfile="$dir/v8.log" --interpreted-frames-native-stack "$dir/src/hot.js"
	maps+=("/tmp/perf-${pids[-1]}.map")
fi
[ ! -x "$dir/strippedgo" ] || run "$dir/strippedgo"

# --- what may stand in the place of a map ---
in_place() { # COMMAND with MAP as the file's name, put there before the daemon can look
	"$dir/plain" &
	pids+=($!)
	local map=/tmp/perf-$!.map
	maps+=("$map")
	eval "${1//MAP/$map}"
}
in_place 'mkfifo -m 666 MAP'
in_place 'ln -s /etc/passwd MAP'
in_place 'ln -s /dev/zero MAP'
in_place 'touch MAP; chown nobody MAP'
in_place 'echo "1 ffffffffff all" >MAP; touch -d "1 hour ago" MAP'
in_place 'yes "10 20 endless" | head -c 100000000 >MAP'
in_place 'head -c 3000000 /dev/urandom >MAP'

# --- who reads them is killed meanwhile ---
reader() { get /api/v1/status | jq -r ".readers[] | select(.reads == \"jit\") | .$1"; }
killed=0
kill_reader() {
	for _ in $(seq 20); do
		kill -9 "$(reader pid)" 2>/dev/null && killed=$((killed + 1)) && return
		sleep 0.1
	done
	return 1
}
sleep 1
ok "the process that reads maps and dumps is killed" kill_reader
sleep 2
ok "and once more" kill_reader
wait "$mapper" "$dumper" "$contained"
rm -r "$away"
sleep 2
of() { # COMM: its folded stacks of now, long after
	get /api/v1/profile -G --data-urlencode "query={comm=\"$1\"}" -d format=folded -d from=now-900s -o "$dir/$1.folded"
}
shares() { # TRUTH: the JIT's three names have their shares
	of jitter
	sed 's/_\[j\]//g' "$dir/jitter.folded" >"$dir/plain.folded"
	tests/lib/folded.py shares "$dir/plain.folded" "$dir/$1.json"
}
ok "a perf map: three functions at one address have their shares, after the process has gone" shares m
ok "a jitdump: the same" shares d
ok "a map in a container's own /tmp, under the pid it has there" shares c
unnamed() { # of the code, hardly anything has no name
	awk '{ n += $NF } /\[anon\]/ { a += $NF } END { printf "# %d of %d samples without a name\n", a, n; exit !(n > 200 && a * 100 < n) }' "$dir/jitter.folded"
}
ok "and all of it has names" unnamed
lines() {
	get /api/v1/profile -G --data-urlencode 'query={comm="jitter"}' -d format=pprof -d from=now-900s -o "$dir/j.pb.gz" &&
		python3 - "$dir/j.pb.gz" <<'P'
import gzip, sys
raw = gzip.decompress(open(sys.argv[1], "rb").read())
missing = [s for s in (b"d.src", b"phase_d1", b"phase_m3", b"[jit]") if s not in raw]
print(missing)
sys.exit(bool(missing))
P
}
ok "pprof has its mapping, names and source file" lines
share() { # COMM FRAME PERCENT
	of "$1"
	awk -v f="$2" -v want="$3" '{ n += $NF; if (index($0, f)) hit += $NF } END { printf "# %s: %d of %d\n", f, hit, n; exit !(n >= 50 && hit * 100 >= want * n) }' "$dir/$1.folded" ||
		{ sort -k2 -t' ' "$dir/$1.folded" | tail -3; return 1; }
}
if command -v node >/dev/null; then
	ok "Node.js by its perf map" share jitnode "$dir/src/hot.js:1:" 80
	ok "and the function, as long as it is not inlined" share jitnode "hotInner $dir/src/hot.js:1" 20
else
	skip "Node.js" "no node here"
	skip "its function" "no node here"
fi
whole_go() {
	share strippedgo "main.(*gopher).dig" 90 && share strippedgo "runtime.goexit" 90 && share strippedgo "main.bite" 10
}
if command -v go >/dev/null; then ok "a stripped Go program: names, its root, inlined calls" whole_go; else skip "Go" "no go here"; fi
go_lines() {
	get /api/v1/profile -G --data-urlencode 'query={comm="strippedgo"}' -d format=pprof -d from=now-900s -o "$dir/g.pb.gz" &&
		gzip -dc "$dir/g.pb.gz" | grep -aqF "$dir/src/main.go"
}
if command -v go >/dev/null; then ok "and its source file" go_lines; else skip "Go's source file" "no go here"; fi

get /metrics | grep '^ringprof_jit' >"$dir/jit.metrics"
refused() { grep -F "refused_total{reason=\"$1\"} " "$dir/jit.metrics" | awk -v want="$2" '{ n = $2 } END { exit !(n >= want) }' || { cat "$dir/jit.metrics"; return 1; }; }
ok "a FIFO and links in a map's place are refused and counted" refused not_regular 3
ok "a stranger's map too" refused owner 1
ok "and one from before the process" refused stale 1
bad() { awk '/^ringprof_jit_bad_records_total / { n = $2 } END { print "# " n " lines make no sense"; exit !(n > 1000) }' "$dir/jit.metrics"; }
ok "what is no map is counted line by line" bad
restarted() { [ "$(reader deaths)" = "$killed" ] && [ -z "$(reader 'refused[]')" ] || { get /api/v1/status | jq -c .readers; return 1; }; }
ok "no file is blamed for its reader's end" restarted
bounded() { awk '/^ringprof_jit_bytes / { n = $2 } END { print "# " n " bytes"; exit !(n && n < 67108864 * 1.1) }' "$dir/jit.metrics"; }
ok "an endless map fills no memory" bounded
ok "and is cut" refused too_long 1
grep -E 'wait|late|reads' "$dir/jit.metrics" | sed 's/^/# /'
ok "the daemon is well" get /-/healthy
kill "${pids[@]}" 2>/dev/null
pids=()
rm -f "${maps[@]}"
ok "the daemon stops" stop_daemon

# --- a daemon with a /tmp of its own (PrivateTmp=), and a map that is only written at the end ---
apart=$(mktemp -d /var/tmp/ringprof-jit-XXXXXX)
gcc -O1 -fno-omit-frame-pointer -o "$apart/late" tests/workloads/late.c
cp build/ringprofd "$apart/"
port=$(free_port)
# the first process is the script: its files are the host's
cat >"$apart/host" <<'S'
cd "$1"
unshare -m sh -c 'mount -t tmpfs none /tmp && exec ./ringprofd --state-dir="$PWD" --cache-dir="$PWD" --token-file="$PWD/token" \
	--source=perf --frequency=499 --unix-socket="$PWD/sock" --listen="127.0.0.1:$0"' "$2" >log 2>&1 &
for _ in $(seq 100); do
	curl -fso /dev/null --unix-socket sock http://localhost/-/ready && break
	sleep 0.1
done
# names are given when a window ends: what runs before its map is there must not run across that
windows() { curl -fsS --unix-socket sock http://localhost/metrics | awk '/^ringprof_windows_total / { print $2 }'; }
before=$(windows)
for _ in $(seq 150); do
	[ "$(windows)" = "$before" ] || break
	sleep 0.1
done
./late 1 & late=$!
wait "$late"
for _ in $(seq 60); do
	curl -fsS -u "x:$(cat token)" "http://127.0.0.1:$2/api/v1/profile" -G -d 'query={comm="late"}' -d format=folded -d from=now-900s >folded
	grep -q late_code folded && break
	sleep 0.5
done
rm -f "/tmp/perf-$late.map"
kill %1
wait
S
late() {
	unshare -m -p -f --mount-proc bash "$apart/host" "$apart" "$port"
	awk '{ n += $NF } /late_code/ { hit += $NF } END { printf "# %d of %d\n", hit, n; exit !(n > 50 && hit * 100 > 90 * n) }' "$apart/folded" ||
		{ tail -3 "$apart/folded"; tail -3 "$apart/log"; return 1; }
}
ok "a map of a process that has ended is found in the host's /tmp" late
done_testing
