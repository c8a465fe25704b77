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
	awk '/phase_a/ { a = index($0, "phase_a"); b = index($0, "phase_b"); if (b && b < a) exit 1; exit 0 }' "$dir/flame"
}
ok "in boxes as wide as their shares" boxes
narrow() { status 0 flame --width 40 && awk 'NR > 1 && length($0) > 41 { exit 1 }' "$dir/out"; }
ok "in any width" narrow
upside() { status 0 flame '{comm="shares"}' --invert --width 80 && ! sed -n 3p "$dir/out" | grep -q _start; }
ok "upside down" upside
focused() { status 0 flame '{comm="shares"}' --focus phase_b --width 80 && grep -q phase_b "$dir/out" && ! grep -q phase_a "$dir/out"; }
ok "of stacks with a frame alone" focused
coloured() {
	TERM=xterm script -qec "$top/build/ringprof flame --width 60 --socket=$dir/sock" /dev/null | grep -q $'\033\[30;48;5;' &&
		! NO_COLOR=1 TERM=xterm script -qec "$top/build/ringprof flame --width 60 --socket=$dir/sock" /dev/null | grep -q $'\033'
}
ok "in colour on a terminal unless NO_COLOR" coloured
json() { r flame --json | jq -e '.version == 1 and (.nodes.total | length > 2)' >/dev/null; }
ok "as JSON" json
nothing() { status 0 flame '{comm="nobody"}' && grep -q '^0 samples' "$dir/out"; }
ok "and nothing of what is not there" nothing
ok "a wrong width: 2" status 2 flame --width 5
ok "a wrong selector: 2" status 2 flame '{comm=}'
ok "two selectors: 2" status 2 flame a b

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
ok "a pin without a name: 2" status 2 pin --from now-1m
ok "a pin without a range: 2" status 2 pin x
ok "no pin of that number" status 1 unpin 12345
ok "no daemon: 3" sh -c "! '$top/build/ringprof' services --socket='$dir/none' 2>'$dir/err' && grep -q 'no daemon' '$dir/err'"
done_testing
