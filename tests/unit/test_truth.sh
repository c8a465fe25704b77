#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The judges of the VM suite must be able to say no: each check of
# tests/vm/check gets a good and a spoiled input.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
check=tests/vm/check

# report [SED-EXPRESSION]: what ringtool prints for one CPU, spoiled by sed
report() {
	sed "${1:-}" > "$tmp/r" <<-'END'
	{"hz":499,"period":2004008,"unit":0,"child":0,"child_status":0,"cpus":[
	{"module":{"cpu":0,"calls":1000,"outcomes":{"emitted":900,"idle":100,"ring full":0,
	"bad reader position":0},"missed":5,"event_count":2014028040,"elapsed":2014028040,
	"chain_hits":800,"nodes":10,"bytes":40000,"frames":9000,"handler_ns":0,"node_limit_hits":0},
	"head":{"cpu":0,"calls":2000,"outcomes":{"emitted":1900,"idle":100},"data_size":65536},
	"reader":{"samples":900,"detached":0,"bytes":40000,"nodes":10,"epochs":1,"weights":1,
	"weight_sum":1,"unit":0,"errors":0,"error":"","ends":{}}}]}
	END
}
yes_to() { report "$1"; shift; "$check" "$@"; }
no_to() {
	report "$1"
	shift
	if "$check" "$@"; then
		echo "taken for good: $*"
		return 1
	fi
}

ok "counters: good" yes_to '' counters "$tmp/r"
ok "counters: one call too many" no_to 's/"calls":1000/"calls":1001/' counters "$tmp/r"
ok "counters: an outcome too many" no_to 's/"idle":100,/"idle":101,/' counters "$tmp/r"
ok "counters: the head's own sum" no_to 's/"calls":2000/"calls":2001/' counters "$tmp/r"
ok "counters: a sample not read" no_to 's/"samples":900/"samples":899/' counters "$tmp/r"
ok "counters: bytes not read" no_to 's/"reader":\(.*\)40000/"reader":\139992/' counters "$tmp/r"
ok "counters: an error of the reader" no_to 's/"errors":0/"errors":1/' counters "$tmp/r"
ok "counters: time unaccounted for" no_to 's/2014028040/2094028040/g' counters "$tmp/r"
ok "counters: a loss that was not asked for" \
	no_to 's/"idle":100,"ring full":0/"idle":99,"ring full":1/' counters "$tmp/r"
ok "counters: the loss that was asked for" \
	yes_to 's/"idle":100,"ring full":0/"idle":99,"ring full":1/' counters "$tmp/r" full
ok "counters: no loss where one must be" no_to '' counters "$tmp/r" full
# shellcheck disable=SC2016
ok "counters: no CPU at all" no_to '/^{"mod/,$c ]}' counters "$tmp/r"
ok "density: good" yes_to '' density "$tmp/r" 48
ok "density: too many bytes" no_to '' density "$tmp/r" 44
ok "density: too few samples" no_to 's/"samples":900/"samples":90/' density "$tmp/r" 48

# A program with known addresses, and stacks made from them
cat > "$tmp/p.c" <<'END'
void phase_a(void) {} void phase_b(void) {} void phase_c(void) {}
void deep_leaf(void) {} void deep_recurse(void) {} int main(void) { return 0; }
END
gcc -O0 -no-pie -fno-pie -o "$tmp/p" "$tmp/p.c" || fail "compile"
addr() { printf '%x' $((0x$(nm "$tmp/p" | awk -v s="$1" '$3 == s { print $1 }') + 1)); }
stacks() { # COUNT PREFIX ADDRESS...
	local n=$1 text
	shift
	text=$(IFS=';'; echo "8000000000000002;$*")
	yes "7 7 0 0 2004008 $text" | head -n "$n"
}
main=$(addr main) a=$(addr phase_a) b=$(addr phase_b) c=$(addr phase_c)
rec=$(addr deep_recurse) leaf=$(addr deep_leaf)
echo '{"pid":7,"phase_a":7000,"phase_b":2000,"phase_c":1000,"cpu_ns":20040080000}' > "$tmp/t"
{ stacks 7000 "$main" "$a"; stacks 2000 "$main" "$b"; stacks 1000 "$main" "$c"; } > "$tmp/s"
report ''
ok "shares: good" $check shares "$tmp/s" "$tmp/t" "$tmp/p"
ok "cputime: good" $check cputime "$tmp/s" "$tmp/t" "$tmp/r"
{ stacks 7300 "$main" "$a"; stacks 1700 "$main" "$b"; stacks 1000 "$main" "$c"; } > "$tmp/s"
ok "shares: 3 % off" sh -c "! $check shares $tmp/s $tmp/t $tmp/p"
stacks 10500 "$main" "$a" > "$tmp/s"
ok "shares: one phase only" sh -c "! $check shares $tmp/s $tmp/t $tmp/p"
ok "cputime: 5 % off" sh -c "! $check cputime $tmp/s $tmp/t $tmp/r"
: > "$tmp/s"
ok "shares: nothing" sh -c "! $check shares $tmp/s $tmp/t $tmp/p"
stacks 300 "$main" "$rec" "$rec" "$rec" "$leaf" > "$tmp/s"
ok "deep: good" $check deep "$tmp/s" "$tmp/p" 3 main
ok "deep: a frame missing" sh -c "! $check deep $tmp/s $tmp/p 4 main"
ok "deep: another root" sh -c "! $check deep $tmp/s $tmp/p 3 _start"
ok "a stack without an end mark" sh -c "echo '7 7 0 0 1 401000' > $tmp/s; ! $check cputime $tmp/s $tmp/t $tmp/r"
# round KERNEL-KIB DAEMON-KIB [IDLE]: a line of the soak's
round() { echo "{\"kernel_kib\":$1,\"daemon_kib\":$2,\"cpus\":{\"stats\":[{\"cpu\":0,\"calls\":9,\"outcomes\":{\"idle\":${3:-9}}}]}}"; }
soak() { # LAST-ROUND...
	{ for _ in 1 2 3; do round 15000 40000; done; round "$@"; } > "$tmp/s"
	$check soak "$tmp/s"
}
no_soak() { ! soak "$@"; }
ok "soak: good" soak 15100 41000 8
ok "soak: a call too many" no_soak 15100 41000 7
ok "soak: kernel memory grows" no_soak 20000 41000
ok "soak: the daemon grows" no_soak 15100 49000
ok "soak: too short" sh -c "sed -i 2,4d $tmp/s; ! $check soak $tmp/s"
ok "z: exactly on the share" python3 -c "
import sys; sys.path.insert(0, 'tests/lib'); import truth
assert truth.binomial_z(700, 1000, 0.7) == 0
assert abs(truth.binomial_z(730, 1000, 0.7) - 2.0702) < 1e-3"
done_testing
