// SPDX-License-Identifier: GPL-2.0
/*
 * Frames of no fixed size: alloca, arrays of variable length, stacks aligned
 * by hand in the prologue (DW_CFA_def_cfa_expression), and these together.
 */
#include <alloca.h>
#include <string.h>

#include "corpus.h"

NOINLINE static long touch(char *p, size_t n)
{
	memset(p, (int)n, n);
	spin(SPIN);
	__asm__ volatile("" : : "r"(p) : "memory");
	return p[n / 2];
}

NOINLINE static long by_alloca(int n)
{
	long r = 0;

	for (int i = 1; i < 4; i++) {
		r += touch(alloca((size_t)(16 + n * i)), (size_t)(16 + n * i));
		KEEP(r);
	}
	return r;
}

NOINLINE static long by_vla(int n)
{
	char room[32 + n * 8];
	long r = touch(room, sizeof(room)) + by_alloca(n);

	KEEP(r);
	return r + room[n];
}

NOINLINE static long aligned_leaf(int n)
{
	char room[256] __attribute__((aligned(64)));

	memset(room, n, sizeof(room));
	spin(SPIN);
	__asm__ volatile("" : : "r"(room) : "memory");
	return room[n & 63];
}

NOINLINE static long aligned(int n)
{
	char room[128] __attribute__((aligned(128)));
	long r = touch(room, sizeof(room)) + aligned_leaf(n) + by_vla(n);

	KEEP(r);
	return r + room[n & 63];
}

/* aligned and of variable size, with arguments on the caller's stack */
NOINLINE static long aligned_alloca(long a, long b, long c, long d, long e, long f, long g, int n)
{
	char room[64] __attribute__((aligned(64)));
	long r = touch(alloca((size_t)(n + 24)), (size_t)(n + 24)) + touch(room, sizeof(room));

	r += aligned(n) + a + b + c + d + e + f + g;
	KEEP(r);
	return r + room[n & 31];
}

/* what code for old callers does on entry, whatever it needs */
__attribute__((force_align_arg_pointer)) NOINLINE static long forced(int n)
{
	long r = aligned_alloca(n, 2, 3, 4, 5, 6, 7, n);

	KEEP(r);
	return r + 1;
}

NOINLINE static long nest(int depth)
{
	char room[48] __attribute__((aligned(64)));
	long r = depth ? nest(depth - 1) : forced(40);

	KEEP(r);
	memset(room, (int)r, sizeof(room));
	__asm__ volatile("" : : "r"(room) : "memory");
	return r + room[depth & 31];
}

int main(int argc, char **argv)
{
	corpus_begin(argc, argv);
	while (corpus_running())
		for (int i = 0; i < 30; i++) {
			long r = nest(i % 10);

			KEEP(r);
		}
	return 0;
}
