#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The verbs that ask the history, and those that tell it something.
. "$(dirname "$0")/lib.sh"

ok "the daemon starts" start_daemon --frequency=499
build/workloads/shares 300 >/dev/null 2>&1 &
pids+=($!)
sleep 4

r() { rp "$@" --socket="$dir/sock"; }
# status WANTED VERB...: exit status; an error has a message and no output
status() {
	local want=$1 got
	shift
	r "$@" >"$dir/out" 2>"$dir/err"
	got=$?
	[ $got = "$want" ] && { [ $got = 0 ] || { [ -s "$dir/err" ] && [ ! -s "$dir/out" ]; }; } && return 0
	echo "status $got, not $want"
	cat "$dir/out" "$dir/err"
	return 1
}

seen() { # until the program is in the history
	for _ in $(seq 30); do
		r flame '{comm="shares"}' --width 80 >"$dir/flame" && grep -q phase_a "$dir/flame" && return 0
		sleep 1
	done
	cat "$dir/flame"
	return 1
}
ok "flame draws what runs" seen
boxes() {
	# the root fills the width, nothing is wider, and the heaviest phase stands left of the others
	awk 'NR == 2 && (length($0) != 81 || $0 !~ /^\|total +\|$/) { bad = 1 } NR > 1 && length($0) > 81 { bad = 1 } END { exit bad || NR < 5 }' "$dir/flame" || { cat "$dir/flame"; return 1; }
	awk '/phase_a/ { a = index($0, "phase_a"); b = index($0, "phase_b"); exit } END { exit !(a && b > a) }' "$dir/flame" || { cat "$dir/flame"; return 1; }
}
ok "in boxes as wide as their shares" boxes
narrow() {
	status 0 flame --width 40 && awk 'NR == 2 && $0 !~ /^\|total +\|$/ { bad = 1 } NR == 2 && length($0) != 41 || NR > 2 && length($0) > 41 { bad = 1 } END { exit bad || NR < 5 }' "$dir/out" ||
		{ cat "$dir/out"; return 1; }
}
ok "in any width" narrow
upside() {
	status 0 flame '{comm="shares"}' --invert --width 80 && sed -n 3p "$dir/out" >"$dir/row" && grep -q spin "$dir/row" &&
		! grep -q _start "$dir/row" || { cat "$dir/out"; return 1; }
}
ok "upside down" upside
focused() { status 0 flame '{comm="shares"}' --focus phase_b --width 80 && grep -q phase_b "$dir/out" && ! grep -q phase_a "$dir/out"; }
ok "of stacks with a frame alone" focused
merged() {
	status 0 flame '{comm="shares"}' --merge category --group-by comm --width 80 && sed -n 3p "$dir/out" | grep -q '^|comm=shares' &&
		sed -n 4p "$dir/out" | grep -q '|business' || { cat "$dir/out"; return 1; }
}
ok "by label and kind of work" merged
on_terminal() { TERM=xterm script -qec "$top/build/ringprof flame --width 60 --socket=$dir/sock" /dev/null >"$dir/tty"; }
coloured() {
	on_terminal && grep -q $'\033\[30;48;5;' "$dir/tty" && NO_COLOR=1 on_terminal && grep -q '|total ' "$dir/tty" &&
		! grep -q $'\033' "$dir/tty" || { cat -v "$dir/tty"; return 1; }
}
ok "in colour on a terminal unless NO_COLOR" coloured
json() { r flame --json | jq -e '.version == 1 and (.nodes.total | length > 2)' >/dev/null; }
ok "as JSON" json
nothing() { status 0 flame '{comm="nobody"}' && grep -q '^0 samples' "$dir/out"; }
ok "and nothing of what is not there" nothing
ok "a wrong width: 2" status 2 flame --width 5
ok "a wrong selector: 2" status 2 flame '{comm=}'
ok "two selectors: 2" status 2 flame a b

table() { status 0 "$@" && grep -qE '^[0-9]+ samples, [0-9.]+ cores' "$dir/out" && grep -qE '^ *[0-9.]+% ± *[0-9.]+  █.* [0-9.]+%  [a-z_]+' "$dir/out"; }
tables() { # the same table from both verbs, shares with their errors; the loads are hot
	table query '{comm="shares"}' --from now-1m && table top '{comm="shares"}' -n 3 && [ "$(wc -l <"$dir/out")" = 5 ] || { cat "$dir/out"; return 1; }
	TERM=xterm script -qec "$top/build/ringprof top -1 --socket=$dir/sock" /dev/null | grep -q $'\033\[31m *[0-9.]*%' &&
		r top --json | jq -e '.rows | length > 0' >/dev/null
}
ok "top and query print a table" tables
services() {
	status 0 services && awk '$NF != "versions" && $1 + 0 > 0 { n++ } END { exit !n }' "$dir/out" &&
		r services --json | jq -e 'type == "array" and length > 0 and all(.[]; has("cores") and has("share"))' >/dev/null
}
ok "services lists who used the CPUs" services
ok "a range that is none: 2" status 2 services --from now --until now-1h

annotated() {
	local id
	id=$(r annotate --service web --version 1.4 --git-ref abc123 --text $'fast\033[31mer') || return 1
	[[ $id =~ ^[0-9]+$ ]] || { echo "id '$id'"; return 1; }
	status 0 events && grep -qE '^20[0-9-]+T[0-9:]+Z  deploy web 1\.4 abc123 fast' "$dir/out" || { cat "$dir/out"; return 1; }
	! grep -q $'\033' "$dir/out" || { echo "an escape went to the terminal"; return 1; }
	r events --json | jq -e --argjson id "$id" 'any(.[]; .id == $id and .git_ref == "abc123")' >/dev/null
}
ok "annotate records what events tells" annotated
noted() { status 0 annotate --text 'lunch "time"' && r events --json | jq -e 'any(.[]; .kind == "note" and .text == "lunch \"time\"")' >/dev/null; }
ok "notes too" noted
ok "of nothing: 2" status 2 annotate --version 3
ok "of no known kind: 2" status 2 annotate --kind rumour --text x
ok "at no time: 2" status 2 annotate --text x --time yesterday

hostile() { # what a stranger named, from a daemon that says it all
	local evil='a\u001b[31m\nb\u009b2Jc'
	python3 - "$evil" >"$dir/evil.port" <<-'P' &
		import http.server, sys
		e = sys.argv[1]
		body = '{"version":"%s","truncated":[{"stacks":1,"binary":"%s","mostly":"%s"}],"readers":[{"reads":"%s","deaths":1,"refused":["%s"]}]}' % ((e,) * 5)
		class H(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        text = body if "status" in self.path else '{"error":"%s"}' % e
		        self.send_response(200 if "status" in self.path else 500)
		        self.end_headers()
		        self.wfile.write(text.encode())
		    def log_message(self, *a): pass
		s = http.server.HTTPServer(("127.0.0.1", 0), H)
		print(s.server_port, flush=True)
		s.serve_forever()
	P
	pids+=($!)
	for _ in $(seq 50); do [ -s "$dir/evil.port" ] && break; sleep 0.1; done
	rp status --url "http://127.0.0.1:$(cat "$dir/evil.port")" >"$dir/out" || return 1
	rp query --url "http://127.0.0.1:$(cat "$dir/evil.port")" >>"$dir/out" 2>&1
	[ "$(grep -c 'a \[31m b  2Jc' "$dir/out")" = 5 ] && ! grep -qP '\x1b|\xc2\x9b' "$dir/out" || { cat -v "$dir/out"; return 1; }
}
ok "what strangers named drives no terminal" hostile

pinned() {
	local id
	for _ in $(seq 40); do # windows go to disk some seconds after they end
		id=$(r pin 'an incident' --from now-20s --until now 2>"$dir/err") && break
		sleep 1
	done
	[[ $id =~ ^[0-9]+$ ]] || { cat "$dir/err"; return 1; }
	status 0 pins && grep -qE "^ +$id  .*an incident$" "$dir/out" || { cat "$dir/out"; return 1; }
	status 0 unpin "$id" && status 0 pins && ! grep -q incident "$dir/out" && status 1 unpin "$id"
}
ok "a range is pinned, listed and let go" pinned
travels() { # a range as a file: out, in again, and what is no such file changes nothing
	local id at size
	status 0 export "$dir/out.rph" --from now-20s && [ -s "$dir/out.rph" ] && [ -z "$(compgen -G "$dir/out.rph.*")" ] || { cat "$dir/err"; return 1; }
	id=$(r import "$dir/out.rph" 2>"$dir/err") && [[ $id =~ ^[0-9]+$ ]] || { cat "$dir/err"; return 1; }
	status 0 pins && grep -qE "^ +$id  .*export$" "$dir/out" || { cat "$dir/out"; return 1; }
	r export - --pin "$id" >"$dir/pin.rph" && cmp "$dir/out.rph" "$dir/pin.rph" || return 1
	status 1 export "$dir/none.rph" --pin 12345 && [ -z "$(compgen -G "$dir/none.rph*")" ] || return 1
	grep -q 'there is no pin of that number' "$dir/err" || { cat "$dir/err"; return 1; }
	cp "$dir/out" "$dir/before"
	size=$(stat -c %s "$dir/out.rph")
	for at in 0 60 $((size / 2)); do
		cp "$dir/out.rph" "$dir/bad.rph"
		dd if=/dev/zero of="$dir/bad.rph" bs=1 seek=$at count=5000 conv=notrunc 2>"$dir/dd"
		status 2 import "$dir/bad.rph" && grep -q 'no export of ringprof, or damaged' "$dir/err" || { echo "at $at"; return 1; }
	done
	head -c $((size / 2)) "$dir/out.rph" >"$dir/bad.rph"
	status 2 import "$dir/bad.rph" && status 2 import /dev/null && status 2 import "$dir" || return 1
	dd if=/dev/urandom of="$dir/bad.rph" bs=1M count=3 2>"$dir/dd"
	status 2 import "$dir/bad.rph" && grep -q damaged "$dir/err" || { cat "$dir/err"; return 1; }
	r pins >"$dir/after" && [ "$(wc -l <"$dir/after")" = 1 ] && status 0 unpin "$id"
}
ok "a range travels as one file; a damaged one is refused and changes nothing" travels
spoiled() { # what cannot be written is told; what is no file stays what it is
	mkfifo "$dir/fifo"
	status 2 export "$dir/fifo" --from now-1m && [ -p "$dir/fifo" ] || return 1
	r export - --from now-1m >/dev/full 2>"$dir/err"
	[ $? = 1 ] && grep -q 'No space left' "$dir/err"
}
ok "an export that cannot be written" spoiled
ok "export of nothing: 2" status 2 export "$dir/x.rph"
ok "export without a file: 2" status 2 export --from now-1m
ok "a pin without a name: 2" status 2 pin --from now-1m
ok "a pin without a range: 2" status 2 pin x
ok "no pin of that number" status 1 unpin 12345
no_daemon() { rp services --socket="$dir/none" 2>"$dir/err"; [ $? = 3 ] && grep -q 'no daemon' "$dir/err"; }
ok "no daemon: 3" no_daemon
elsewhere() { # what was recorded by another daemon is in no number of this one unless its host is asked for
	local own all
	status 0 export "$dir/out.rph" --from now-1m && stop_daemon && start_daemon --history-dir="$dir/elsewhere" || return 1
	id=$(r import "$dir/out.rph" 2>"$dir/err") || { cat "$dir/err"; return 1; }
	status 0 pins && grep -q "  of host $(uname -n)$" "$dir/out" || { cat "$dir/out"; return 1; }
	status 0 query --from now-5m && grep -q '^imported ranges of 1 other host are not in it' "$dir/out" || { cat "$dir/out"; return 1; }
	own=$(r query --json --from now-5m | jq .samples)
	all=$(r query --json --from now-5m '{host=~".+"}' | jq 'select(.other_hosts == 0) | .samples')
	[ "$all" -gt "$((own + 100))" ] || { echo "own $own, all $all"; return 1; }
	status 0 query --from now-5m '{host=~".+"}' && ! grep -q imported "$dir/out" || return 1
	[ "$(get '/api/v1/diff?format=table&a_from=now-5m&b_from=now-5m&b_query=%7Bhost%3D~%22.%2B%22%7D' |
		jq -c '[.a.other_hosts, .b.other_hosts]')" = "[1,0]" ] || return 1
	[ "$(get '/api/v1/label/host/values?from=now-5m' | jq -c .data)" = "[\"$(uname -n)\"]" ] || return 1
	status 0 services --from now-5m '{host="nowhere"}' && ! grep -q shares "$dir/out" || { cat "$dir/out"; return 1; }
	status 0 services --from now-5m '{host=~".+"}' && grep -q shares "$dir/out" || { cat "$dir/out"; return 1; }
	status 2 services a b && status 0 unpin "$id"
}
ok "imported ranges of another host count when that host is asked for" elsewhere
done_testing
