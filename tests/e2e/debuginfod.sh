#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Debug files from servers: nobody is asked unless told to; what comes names
# what had no names; servers that hang, lie or have nothing cost no answer.
. "$(dirname "$0")/lib.sh"
lib=$(ldconfig -p | awk '/libdebuginfod\.so\.1/ { print $NF; exit }')
if [ -z "$lib" ]; then
	skip "debug files from servers" "no libdebuginfod (Debian: libdebuginfod1)"
	done_testing
	exit
fi
unset DEBUGINFOD_URLS

# prog N: a stripped program whose function is called work, each with an id of its own
prog() {
	cat >"$dir/$1.c" <<END
volatile unsigned long sink = $2;
__attribute__((noinline)) void work_$1(void)
{
	for (unsigned long i = 0; i < 1000000; i++)
		sink = sink * 31 + i; /* line 5 */
}
int main(void)
{
	for (;;)
		work_$1();
}
END
	cc -O1 -g -fno-omit-frame-pointer -Wl,--build-id=sha1 -o "$dir/$1.full" "$dir/$1.c" || exit 1
	strip -s -o "$dir/$1" "$dir/$1.full"
	eval "id_$1=$(readelf -n "$dir/$1" | sed -n 's/.*Build ID: //p')"
}
prog good 1
prog wrong 2
prog trash 3
prog none 4
prog slow 5

# what servers have: the right file; another one's; no ELF at all; and one that never ends its answer
cat >"$dir/server.py" <<'END'
import http.server, os, sys, threading, time
top, slow, log = sys.argv[1:4]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(log, "a") as f:
            print(self.path, file=f)
        part = self.path.split("/")
        path = os.path.join(top, part[2]) if len(part) == 4 and part[1] == "buildid" and part[3] == "debuginfo" else ""
        if len(part) == 4 and part[2] == slow:
            time.sleep(600)
        if not os.path.exists(path):
            self.send_error(404)
            return
        body = open(path, "rb").read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a):
        pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
s.daemon_threads = True
print(s.server_address[1], flush=True)
s.serve_forever()
END
mkdir "$dir/tree"
# shellcheck disable=SC2154 # set by prog
cp "$dir/good.full" "$dir/tree/$id_good" && cp "$dir/good.full" "$dir/tree/$id_wrong" && echo trash >"$dir/tree/$id_trash"
# shellcheck disable=SC2154
python3 "$dir/server.py" "$dir/tree" "$id_slow" "$dir/asked" >"$dir/serverport" &
pids+=($!)
for _ in $(seq 100); do [ -s "$dir/serverport" ] && break; sleep 0.1; done
url=http://127.0.0.1:$(cat "$dir/serverport")
for p in good wrong trash none slow; do "$dir/$p" & pids+=($!); done

folded() { get "/api/v1/profile?format=folded&from=now-30s" -G --data-urlencode "query={comm=\"$1\"}" -d lines=1; }
metric() { curl -fs "http://127.0.0.1:$port/metrics" | awk -v m="$1" 'index($0, m " ") == 1 { print $NF }'; }
result() { metric "ringprof_debuginfod_files_total{result=\"$1\"}"; }
sampled() { folded good | grep -q '[1-9]$'; }

# it knows of a server all the same
export DEBUGINFOD_URLS=$url
ok "starts, servers not switched on" start_daemon
ok "samples come" until_true 20 sampled
sleep 1
sampled
ok "nobody was asked" test ! -e "$dir/asked"
ok "stops" stop_daemon
unset DEBUGINFOD_URLS

# the library's own limit of patience is 90 s: ours counts
ok "starts with servers" start_daemon --debuginfod=on --debuginfod-urls="$url" --debuginfod-timeout=4s
named() { folded good | grep -q 'work_good [^;]*/good.c:5 [1-9]'; }
ok "names and lines come from the server" until_true 60 named
ask_all() {
	for p in good wrong trash none slow; do folded $p >"$dir/$p.folded"; done
	[ "$(result "another file")" -ge 2 ] && [ "$(result "not found")" -ge 1 ] && [ "$(result failed)" -ge 1 ]
}
ok "the others are refused, not found and given up, and counted" until_true 120 ask_all
seen() { folded "$1" >"$dir/$1.folded" && grep -q "$1+0x" "$dir/$1.folded"; }
# not by any of the programs' functions; the kernel has a task_work_run
unnamed() { until_true 60 seen "$1" && ! grep -E "work_(good|$1)" "$dir/$1.folded"; }
for p in wrong trash none slow; do ok "$p keeps its file and offsets" unnamed $p; done
once() {
	local p id
	for p in good wrong trash none; do
		id=id_$p
		[ "$(grep -c "/${!id}/" "$dir/asked")" = 1 ] || { echo "$p: ${!id}"; cat "$dir/asked"; return 1; }
	done
}
ok "each was asked for once" once
# shellcheck disable=SC2154 # set by prog
ok "kept in the cache directory" test -s "$dir/debuginfod/1/$id_good.debug"
# shellcheck disable=SC2154
ok "and nothing else" sh -c "! ls '$dir/debuginfod/1' | grep -E '$id_wrong|$id_trash|$id_none|$id_slow'"
ok "stops" stop_daemon

# a server that takes every question and answers none: answers come all the same, and so does the end
rm -rf "$dir/debuginfod" "$dir/names"
cat >"$dir/hang.py" <<'END'
import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(64)
print(s.getsockname()[1], flush=True)
time.sleep(600)
END
python3 "$dir/hang.py" >"$dir/hangport" &
pids+=($!)
for _ in $(seq 100); do [ -s "$dir/hangport" ] && break; sleep 0.1; done
ok "starts with a server that hangs" start_daemon --debuginfod=on --debuginfod-urls="http://127.0.0.1:$(cat "$dir/hangport")" --debuginfod-timeout=1h
ok "samples come" until_true 20 sampled
waits() { ask_two && [ "$(metric ringprof_debuginfod_waiting)" -ge 1 ]; }
ask_two() { sampled && folded none >/dev/null; }
ok "files are waited for" until_true 60 waits
ok "answers come meanwhile" sh -c "$(declare -f get); port=$port token=$token; get '/debug/pprof/profile?seconds=1' --max-time 60 -o '$dir/p'"
began=$(date +%s)
ok "stops" stop_daemon
took=$(($(date +%s) - began))
ok "without waiting for it (${took} s)" test "$took" -lt 60

# servers of the environment; and none at all
export DEBUGINFOD_URLS=$url
ok "starts with the environment's servers" start_daemon --debuginfod=on
ok "names come" until_true 60 named
ok "stops" stop_daemon
unset DEBUGINFOD_URLS
ok "starts without any" start_daemon --debuginfod=on
ok "and says so" grep -q 'debuginfod: .*nobody to ask' "$dir/log"
ok "stops" stop_daemon
ok "what is no switch is refused" sh -c "! build/ringprofd --debuginfod=maybe --check-config >/dev/null 2>&1"
done_testing
