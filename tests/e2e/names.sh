#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Names of what runs: languages, other roots, files that are gone, cut short or lie.
. "$(dirname "$0")/lib.sh"

ok "the daemon starts" start_daemon --frequency=499
mkdir "$dir/src" "$dir/bin"

spin='static volatile unsigned long n; __attribute__((noinline)) static void %s(void) { for (int i = 0; i < 1000000; i++) n++; }
int main(void) { for (;;) %s(); }\n'
# shellcheck disable=SC2059
printf "$spin" one_inside one_inside >"$dir/src/one.c"
# shellcheck disable=SC2059
printf "$spin" two_outside two_outside >"$dir/src/two.c"
# static: a root of its own needs no libraries
cflags=(-O1 -fno-omit-frame-pointer -static)
compile() { gcc "${cflags[@]}" -o "$1" "$2" "${@:3}"; }

cat >"$dir/src/cxx.cc" <<'C'
#include <vector>
namespace deep { template <class T> struct Worker {
	__attribute__((noinline)) T spin(const std::vector<T> &v) { T s = 0; for (int i = 0; i < 100000; i++) for (T x : v) s += x * (T)i; return s; }
}; }
int main() { std::vector<int> v(64, 3); deep::Worker<int> w; volatile int s = 0; for (;;) s = s + w.spin(v); }
C
cat >"$dir/src/rs.rs" <<'R'
mod inner { pub struct Miller; impl Miller { #[inline(never)] pub fn grind(&self, n: u64) -> u64 { let mut s = 0u64; for i in 0..n { s = std::hint::black_box(s ^ i); } s } } }
fn main() { let m = inner::Miller; loop { std::hint::black_box(m.grind(1000000)); } }
R
cat >"$dir/src/main.go" <<'G'
package main

type gopher struct{ n uint64 }

//go:noinline
func (g *gopher) dig() { for i := 0; i < 1000000; i++ { g.n += uint64(i) } }
func main() { g := &gopher{}; for { g.dig() } }
G
cat >"$dir/src/jit.js" <<'J'
function hot(n) { let s = 0; for (let i = 0; i < n; i++) s = (s * 31 + i) | 0; return s; }
for (;;) hot(1e6);
J
languages=()
g++ -O1 -fno-omit-frame-pointer -o "$dir/bin/cxx" "$dir/src/cxx.cc" && languages+=(cxx)
if command -v rustc >/dev/null; then rustc -O -C force-frame-pointers=yes -o "$dir/bin/rs" "$dir/src/rs.rs" && languages+=(rs); fi
if command -v go >/dev/null; then (cd "$dir/src" && GO111MODULE=off GOCACHE=$dir/gocache GOFLAGS='' go build -o "$dir/bin/gobin" main.go) && languages+=(gobin); fi
run() { "$@" >/dev/null 2>&1 & pids+=($!); }
for l in "${languages[@]}"; do run "$dir/bin/$l"; done
run python3 -c 'while True: sum(range(10000))'
if command -v node >/dev/null; then run node "$dir/src/jit.js"; fi

# --- the same path, another file: inside and outside of a root of its own ---
mkdir -p "$dir/root/$dir/bin"
compile "$dir/root/$dir/bin/same" "$dir/src/one.c"
compile "$dir/bin/same" "$dir/src/two.c"
run unshare -m chroot "$dir/root" "$dir/bin/same"
run "$dir/bin/same"

# --- deleted before anybody looked; overwritten by another; cut short; a lie ---
compile "$dir/bin/deleted" "$dir/src/one.c" -DX
run "$dir/bin/deleted"
sleep 0.2
rm "$dir/bin/deleted"
compile "$dir/bin/replaced" "$dir/src/one.c"
run "$dir/bin/replaced"
sleep 0.2
compile "$dir/bin/new" "$dir/src/two.c" && mv "$dir/bin/new" "$dir/bin/replaced"
# symbol and string tables at random, what runs is as it was
# shellcheck disable=SC2059
printf "$spin" three_lies three_lies >"$dir/src/three.c"
compile "$dir/bin/liar" "$dir/src/three.c"
python3 - "$dir/bin/liar" <<'P'
import random, struct, sys
b = bytearray(open(sys.argv[1], "rb").read())
random.seed(4)
shoff, = struct.unpack_from("<Q", b, 40)
n, = struct.unpack_from("<H", b, 60)
for i in range(n):
    at = shoff + 64 * i
    kind, = struct.unpack_from("<I", b, at + 4)
    off, size = struct.unpack_from("<QQ", b, at + 24)
    if kind in (2, 3):
        for j in range(off, min(off + size, len(b)), 3):
            b[j] = random.randrange(256)
    struct.pack_into("<QQ", b, at + 24, random.getrandbits(64) if i % 2 else off, random.getrandbits(64))
open(sys.argv[1], "wb").write(b)
P
run "$dir/bin/liar"
# One library is closed again. Another loses its section headers and symbols
# while it is mapped: before its segments end, it would be the process that dies.
cat >"$dir/src/lib.c" <<'C'
static volatile unsigned long n;
void NAME(void) { for (int i = 0; i < 1000000; i++) n++; }
C
cat >"$dir/src/load.c" <<'C'
#include <dlfcn.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>
int main(int c, char **v)
{
	void *h = dlopen(v[1], RTLD_NOW);
	void (*f)(void) = (void (*)(void))dlsym(h, v[2]);
	/* a second: CPUs differ tenfold in how often they add to one word in that time */
	while (clock() < CLOCKS_PER_SEC || c == 3)
		f();
	dlclose(h);
	while (clock() < 3 * CLOCKS_PER_SEC) {}
	for (;;)
		pause();
}
C
for l in closed cut; do
	gcc -O1 -fno-omit-frame-pointer -shared -fPIC -DNAME=in_$l -o "$dir/bin/$l.so" "$dir/src/lib.c"
	gcc -O1 -fno-omit-frame-pointer -o "$dir/bin/load_$l" "$dir/src/load.c" -ldl
done
run "$dir/bin/load_closed" "$dir/bin/closed.so" in_closed close
closed=${pids[-1]}
run "$dir/bin/load_cut" "$dir/bin/cut.so" in_cut
sleep 0.2
read -r offset bytes < <(readelf -lW "$dir/bin/cut.so" | awk '$1 == "LOAD" { at = $2; n = $5 } END { print at, n }')
truncate -s $((offset + bytes)) "$dir/bin/cut.so"

sleep 8
of() { # COMM: its folded stacks
	get /api/v1/profile -G --data-urlencode "query={comm=\"$1\"}" -d format=folded -d "from=now-${since:-30s}" -o "$dir/$1.folded"
}
has() { # COMM FRAME...: in this order in one stack
	of "$1" && tests/lib/folded.py has "$dir/$1.folded" "${@:2}" || { head -5 "$dir/$1.folded"; return 1; }
}
share() { # COMM FRAME PERCENT: at least that much of its samples holds the frame
	of "$1"
	awk -v f="$2" -v want="$3" '{ n += $NF; if (index($0, f)) hit += $NF } END { printf "# %s: %d of %d\n", f, hit, n; exit !(n >= 50 && hit * 100 >= want * n) }' "$dir/$1.folded" ||
		{ sort -k2 -t' ' "$dir/$1.folded" | tail -3; return 1; }
}
lacks() { of "$1" && ! grep -qF -- "$2" "$dir/$1.folded"; }

# names may be put off for a moment (README, Limits): asked again only while the daemon counts that
put_off() { get /metrics | awk '$1 == "ringprof_names_put_off_total" { n = $2 } END { exit !(n > 0) }'; }
soon() {
	for _ in 1 2 3 4; do
		"$@" >/dev/null && break
		put_off || break
		sleep 1
	done
	"$@"
}
ok "C++ is demangled" soon share cxx "deep::Worker<int>::spin" 90
both() {
	get /api/v1/profile -G --data-urlencode 'query={comm="cxx"}' -d format=pprof -d from=now-30s -o "$dir/cxx.pb.gz" &&
		python3 -c '
import gzip, sys
raw = gzip.decompress(open(sys.argv[1], "rb").read())
sys.exit(not (b"deep::Worker<int>::spin" in raw and b"_ZN4deep6WorkerIiE4spin" in raw))' "$dir/cxx.pb.gz"
}
ok "and the mangled name is there beside it" soon both
case " ${languages[*]} " in *" rs "*) ok "Rust is demangled, without its hash" soon share rs "rs::inner::Miller::grind " 90 ;; *) skip "Rust" "no rustc here" ;; esac
case " ${languages[*]} " in *" gobin "*) ok "Go keeps its own names" has gobin runtime.main "main.(*gopher).dig" ;; *) skip "Go" "no go here" ;; esac
cpython() { of python3 && of python && grep -q _PyEval_EvalFrame "$dir"/python*.folded; }
ok "CPython's functions" soon cpython
if [ -n "$(command -v node)" ]; then ok "what a JIT made is told apart" share node "[anon]" 30; else skip "JIT" "no node here"; fi
two_roots() {
	of same
	awk '{ n += $NF } /one_inside/ { one += $NF } /two_outside/ { two += $NF } END { printf "# inside %d, outside %d of %d\n", one, two, n; exit !(one > n / 4 && two > n / 4) }' "$dir/same.folded" ||
		{ head -5 "$dir/same.folded"; return 1; }
}
ok "one path in two roots is two files" two_roots
ok "deleted while it runs" share deleted one_inside 90
ok "replaced while it runs: still the names of what runs" share replaced one_inside 90
ok "and none of the other file's" lacks replaced two_outside
ok "a lying ELF: its own names are the price" share liar "liar+0x" 80
unmapped() { kill -0 "$closed" && ! grep -q closed.so "/proc/$closed/maps"; }
# it takes a second of CPU, whatever else runs, of the three that the program takes
closed_again() { until_true 60 unmapped && since=5m share load_closed in_closed 3; }
ok "a library closed again: its samples keep their names" closed_again
cut() { share load_cut in_cut 90 || share load_cut cut.so+0x 90; }
ok "a library cut short while mapped has names, or its file and offsets" cut
ok "the daemon is well" get /-/healthy
done_testing
