#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What a process maps, on the real kernel: programs of every kind of linking,
# one program after another in one process and under one pid, mappings over
# mappings, files in memory, behind overlays, past 2 GiB.
. "$(dirname "$0")/lib.sh"
mkdir "$dir/bin"

# function NAME in a program, or in a library without main
source_of() {
	cat <<C
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
/* equal code with other names would have an equal build-id */
const char *who(void) { return "$1"; }
__attribute__((noinline)) void $1(unsigned long n) { for (volatile unsigned long i = 0; i < n; i++) ; }
#ifndef LIBRARY
static int older(time_t since, int s) { return time(NULL) - since >= s; }
int main(int c, char **v)
{
	time_t since = time(NULL);
	while (c < 2 || !older(since, atoi(v[1])))
		$1(10000000);
	if (c > 2)
		execv(v[2], (char *[]){ v[2], NULL });
}
#endif
C
}
program() { # FUNCTION FILE [option...]
	source_of "$1" | gcc -O1 -fno-omit-frame-pointer -x c - -o "$dir/bin/$2" "${@:3}"
}
run() { "$@" >/dev/null 2>&1 & pids+=($!); }

program in_static m_static -static
program in_static_pie m_staticpie -static-pie
program in_fixed m_fixed -no-pie
program in_first m_first
program in_second m_second
program in_overlay m_overlay -static
program in_large m_large
program in_one one.so -DLIBRARY -shared -fPIC
program in_two two.so -DLIBRARY -shared -fPIC
# as prelink leaves a library: with addresses of its own
program in_prelinked prelinked.so -DLIBRARY -shared -fPIC -Wl,-Ttext-segment=0x41000000
cat >"$dir/use.c" <<'C'
extern void in_prelinked(unsigned long);
int main(void) { for (;;) in_prelinked(10000000); }
C
gcc -O1 -fno-omit-frame-pointer -o "$dir/bin/m_prelinked" "$dir/use.c" "$dir/bin/prelinked.so"

# one library, then the other over the same addresses
cat >"$dir/over.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <time.h>
static size_t offset_of(const char *file, const char *name)
{
	struct link_map *m;
	void *h = dlopen(file, RTLD_NOW);
	dlinfo(h, RTLD_DI_LINKMAP, &m);
	return (size_t)dlsym(h, name) - m->l_addr;
}
int main(int c, char **v)
{
	void *at = NULL;
	for (int i = 1; i + 1 < c; i += 2) {
		size_t off = offset_of(v[i], v[i + 1]);
		int fd = open(v[i], O_RDONLY);
		time_t t = time(NULL);
		at = mmap(at, 0x4000, PROT_READ | PROT_EXEC, MAP_PRIVATE | (at ? MAP_FIXED : 0), fd, 0);
		while (i + 3 > c || time(NULL) - t < 5)
			((void (*)(unsigned long))((char *)at + off))(10000000);
	}
}
C
gcc -O1 -fno-omit-frame-pointer -o "$dir/bin/m_over" "$dir/over.c" -ldl

# a program that is nowhere but in memory
cat >"$dir/memfd.c" <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <unistd.h>
__attribute__((noinline)) static void in_memfd(void) { for (volatile unsigned long i = 0; i < 10000000; i++) ; }
int main(int c, char **v, char **env)
{
	int fd, self;
	if (c == 1) {
		fd = memfd_create("m", 0);
		self = open("/proc/self/exe", O_RDONLY);
		while (sendfile(fd, self, NULL, 1 << 20) > 0)
			;
		fexecve(fd, (char *[]){ "x", "again", NULL }, env);
	}
	prctl(PR_SET_NAME, "m_memfd");
	for (;;)
		in_memfd();
}
C
gcc -O1 -fno-omit-frame-pointer -static -o "$dir/bin/memfd" "$dir/memfd.c"

# section headers, symbols and their names past 3 GiB; the hole between takes no room
large() {
	python3 - "$dir/bin/m_large" <<'P'
import struct, sys
f = open(sys.argv[1], "r+b")
b = f.read()
shoff, = struct.unpack_from("<Q", b, 40)
n, = struct.unpack_from("<H", b, 60)
at = 3 << 30
headers = bytearray(b[shoff:shoff + 64 * n])
for i in range(n):
    kind, = struct.unpack_from("<I", headers, 64 * i + 4)
    flags, = struct.unpack_from("<Q", headers, 64 * i + 8)
    off, size = struct.unpack_from("<QQ", headers, 64 * i + 24)
    if kind in (2, 3) and not flags & 2:
        f.seek(at)
        f.write(b[off:off + size])
        f.seek(off)
        f.write(bytes(size))
        struct.pack_into("<Q", headers, 64 * i + 24, at)
        at += (size + 15) & ~15
f.seek(at)
f.write(headers)
f.seek(40)
f.write(struct.pack("<Q", at))
P
}
have_large=
large 2>/dev/null && have_large=1

ok "the daemon starts" start_daemon --frequency=997
run "$dir/bin/m_static"
run "$dir/bin/m_staticpie"
run "$dir/bin/m_fixed"
run "$dir/bin/m_prelinked"
run "$dir/bin/m_first" 4 "$dir/bin/m_second"
in_place=${pids[-1]}
run "$dir/bin/m_over" "$dir/bin/one.so" in_one "$dir/bin/two.so" in_two
run "$dir/bin/memfd"
[ -z "$have_large" ] || run "$dir/bin/m_large"
overlay() {
	mkdir -p "$dir/low/bin" "$dir/up" "$dir/work" "$dir/merged"
	cp "$dir/bin/m_overlay" "$dir/low/bin/" && rm "$dir/bin/m_overlay"
	# the mount is that process's alone, and goes with it
	# shellcheck disable=SC2016 # the inner shell's
	run unshare -m sh -c 'mount -t overlay overlay -o "lowerdir=$1/low,upperdir=$1/up,workdir=$1/work" "$1/merged" && exec chroot "$1/merged" /bin/m_overlay' sh "$dir"
	sleep 1
	kill -0 "${pids[-1]}" 2>/dev/null
}
have_overlay=
[ "$(id -u)" != 0 ] || ! overlay || have_overlay=1

# another program under a pid that was used before
reuse() {
	local first second
	program in_reused_a m_reused_a && program in_reused_b m_reused_b
	"$dir/bin/m_reused_a" 3 &
	first=$!
	wait "$first"
	for _ in 1 2 3 4 5; do
		echo $((first - 1)) >/proc/sys/kernel/ns_last_pid 2>/dev/null || return 1
		"$dir/bin/m_reused_b" &
		second=$!
		pids+=("$second")
		[ "$second" != "$first" ] || return 0
		kill "$second"
	done
	return 1
}
have_reuse=
[ ! -w /proc/sys/kernel/ns_last_pid ] || ! reuse || have_reuse=1
sleep 11

share() { # COMM FUNCTION PERCENT: at least that much of its samples is in it
	get /api/v1/profile -G --data-urlencode "query={comm=\"$1\"}" -d format=folded -d from=now-60s -o "$dir/$1.folded"
	awk -v f="$2" -v want="$3" '{ n += $NF; if (index($0, f)) hit += $NF } END { printf "# %s: %d of %d\n", f, hit, n; exit !(n >= 10 && hit * 100 >= want * n) }' "$dir/$1.folded" ||
		{ sort -t' ' -k2 "$dir/$1.folded" | tail -5; return 1; }
}
lacks() { ! grep -qF -- "$2" "$dir/$1.folded"; }
ok "a static program" share m_static in_static 90
ok "a static program at any address" share m_staticpie in_static_pie 90
ok "a program at fixed addresses" share m_fixed in_fixed 90
ok "a library with addresses of its own" share m_prelinked in_prelinked 90
second() { share m_first in_first 90 && share m_second in_second 90 && lacks m_second in_first && [ "$(cat "/proc/$in_place/comm")" = m_second ]; }
ok "one program after another in one process" second
over() { share m_over in_one 5 && share m_over in_two 20; }
ok "a mapping over another" over
ok "a program in memory alone" share m_memfd in_memfd 90
if [ -n "$have_large" ]; then ok "symbols past 2 GiB of a file" share m_large in_large 90; else skip "symbols past 2 GiB of a file" "no such large file can be made here"; fi
if [ -n "$have_overlay" ]; then ok "a program on an overlay in a mount namespace of its own" share m_overlay in_overlay 90; else skip "a program on an overlay" "no overlay can be mounted here"; fi
reused() { share m_reused_a in_reused_a 90 && share m_reused_b in_reused_b 90 && lacks m_reused_b in_reused_a && lacks m_reused_a in_reused_b; }
if [ -n "$have_reuse" ]; then ok "a pid used again" reused; else skip "a pid used again" "the next pid cannot be chosen here"; fi
ok "the daemon is well" get /-/healthy
done_testing
