#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Inlined functions and source lines, from a sample to what is exported; and
# small compiled programs against eu-addr2line.
. "$(dirname "$0")/lib.sh"

# the loop stands in spin(), which is inlined into turn(), and that into work()
cat >"$dir/inlined.c" <<'END'
#include <stdlib.h>
#include <time.h>
volatile unsigned long sink;
static inline __attribute__((always_inline)) void spin(unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		sink = sink * 31 + i; /* line 7 */
}
static inline __attribute__((always_inline)) void turn(unsigned long n)
{
	spin(n); /* line 11 */
}
__attribute__((noinline)) void work(void)
{
	turn(1000000); /* line 15 */
	sink++;
}
int main(int argc, char **argv)
{
	time_t end = time(NULL) + atoi(argv[1]);

	while (time(NULL) < end)
		work();
	return 0;
}
END
port=$(free_port)
cc -O2 -g -fno-omit-frame-pointer -o "$dir/inlined" "$dir/inlined.c" || exit 1
ok "starts" start_daemon
"$dir/inlined" 4
folded() { get "/api/v1/profile?format=folded&query=comm%3D%22inlined%22&$1" >"$dir/$2"; }
# an answer does not wait long for debug information; what is missing is in the next one
soon() {
	for _ in $(seq 40); do
		folded "" plain && grep -q 'main;work;turn;spin [1-9]' "$dir/plain" && return
		sleep 0.25
	done
	cat "$dir/plain"
	return 1
}
ok "inlined functions are frames" soon
ok "asked without inlined functions" folded inlines=0 without
ok "they count as the function that they are in" grep -q 'main;work [1-9]' "$dir/without"
# whole names: the kernel has spin locks
ok "and are not there" sh -c "! grep -qE ';(spin|turn)[; ]' '$dir/without'"
ok "asked for lines" folded lines=1 lines
ok "each frame says where it is" \
	grep -qE "work [^;]*/inlined.c:15;turn [^;]*/inlined.c:11;spin [^;]*/inlined.c:7 [1-9]" "$dir/lines"
ok "a wrong value is refused" test "$(code '/api/v1/profile?lines=2' -u "ringprof:$token")" = 400
ok "pprof is had" get "/api/v1/profile?format=pprof&query=comm%3D%22inlined%22" -o "$dir/p.pb.gz"
go tool pprof -raw "$dir/p.pb.gz" >"$dir/raw" 2>/dev/null
ok "one location, three lines, innermost first" sh -c \
	"tr -s ' \n' ' ' <'$dir/raw' | grep -qE 'spin [^ ]*/inlined.c:7(:0)? s=4 turn [^ ]*/inlined.c:11(:0)? s=9 work [^ ]*/inlined.c:15'"
ok "the mapping says so" grep -qE 'inlined.*\[FN\]\[FL\]\[LN\]\[IN\]' "$dir/raw"
ok "stops" stop_daemon

# a stripped program, whose debug file comes after the profile was taken
mkdir "$dir/late"
cc -O2 -g -fno-omit-frame-pointer -Wl,--build-id=sha1 -o "$dir/late/prog" "$dir/inlined.c" || exit 1
objcopy --only-keep-debug "$dir/late/prog" "$dir/late.debug"
strip -s "$dir/late/prog"
ok "records a stripped program" build/ringprof record --socket /nonexistent --source perf -F 499 \
	-o "$dir/late.pb.gz" -- "$dir/late/prog" 2
raw() { go tool pprof -raw "$1" 2>/dev/null | grep -q "$2"; }
ok "its frames have no names" raw "$dir/late.pb.gz" 'prog+0x'
ok "and get none without the debug file" sh -c \
	"build/ringprof symbolize -o '$dir/same.pb.gz' '$dir/late.pb.gz' | grep -q '^0 of [1-9]'"
mkdir "$dir/late/.debug"
ok "linked" objcopy --add-gnu-debuglink="$dir/late.debug" "$dir/late/prog"
cp "$dir/late.debug" "$dir/late/.debug/"
ok "with it they do" build/ringprof symbolize -o "$dir/named.pb.gz" "$dir/late.pb.gz"
ok "inlined functions and lines too" raw "$dir/named.pb.gz" 'spin .*inlined.c:7'
ok "none is left" sh -c "! go tool pprof -raw '$dir/named.pb.gz' 2>/dev/null | grep -q 'prog+0x'"
no_profile() { rp symbolize "$dir/inlined.c" 2>"$dir/err"; [ $? = 1 ] && grep -q 'not a profile' "$dir/err" || { cat "$dir/err"; return 1; }; }
ok "what is no profile is refused" no_profile
ok "and stays as it was" grep -q 'line 7' "$dir/inlined.c"

# what the compiler made of real sources (not with -flto: eu-addr2line finds no function then)
make -s build/tests/lines/lines || exit 1
i=0
for flags in "-O2 -gdwarf-5" "-O3 -gdwarf-4" "-O1 -gdwarf-5 -gz"; do
	i=$((i + 1))
	# shellcheck disable=SC2086
	cc $flags -D_GNU_SOURCE -Idaemon -Iinclude -Iinclude/uapi -shared -fPIC -o "$dir/lib$i.so" \
		daemon/sym/symtab.c daemon/sym/elf_*.c daemon/base/hmap.c daemon/base/strtab.c || exit 1
	ok "agrees with eu-addr2line: $flags" tests/lines/compare build/tests/lines/lines 2000 "$dir/lib$i.so"
done
done_testing
