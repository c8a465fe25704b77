// SPDX-License-Identifier: GPL-2.0
/*
 * Plain calls: pushed registers, arguments on the stack, early exits that
 * leave before the prologue is done, cold parts moved out of line, switches,
 * and a recursion as deep as whole stacks have to be.
 */
#include "corpus.h"

static volatile int never;

__attribute__((cold)) NOINLINE static long cold_path(long a)
{
	spin(SPIN);
	KEEP(a);
	return a - 1;
}

/* ten arguments: four of them are pushed, and popped again behind the call */
NOINLINE static long many(long a, long b, long c, long d, long e, long f, long g, long h, long i,
			  long j)
{
	long s = a ^ b ^ c ^ d ^ e ^ f;

	spin(SPIN);
	KEEP(s);
	return s + g + h + i + j;
}

NOINLINE static long push_args(long n)
{
	long a = many(n, 1, 2, 3, 4, 5, n + 6, n + 7, n + 8, n + 9);
	long b = many(a, n, a, n, a, n, a + n, a - n, a, n);

	KEEP(a);
	KEEP(b);
	return a + b;
}

/* more values alive across calls than registers that survive one */
NOINLINE static long all_registers(long n)
{
	long v[8];

	for (int i = 0; i < 8; i++) {
		v[i] = n * (i + 3);
		KEEP(v[i]);
	}
	for (int i = 0; i < 4; i++) {
		long r = push_args(v[i] + v[7 - i]);

		KEEP(r);
		v[i] += r;
	}
	return v[0] + v[1] + v[2] + v[3] + v[4] + v[5] + v[6] + v[7];
}

NOINLINE static long early_exit(long n)
{
	long r;

	if (n & 1)
		return n;
	if (__builtin_expect(never, 0))
		return cold_path(n) + 1;
	r = all_registers(n);
	KEEP(r);
	return r + 1;
}

NOINLINE static long by_case(long n)
{
	long r = 0;

	switch (n % 7) {
	case 0:
		r = early_exit(n * 2);
		break;
	case 1:
		r = push_args(n);
		break;
	case 2:
		spin(SPIN);
		break;
	case 3:
		r = cold_path(n);
		break;
	case 4:
		r = all_registers(n);
		break;
	case 5:
		r = early_exit(n);
		break;
	default:
		spin(SPIN / 2);
	}
	KEEP(r);
	return r + 1;
}

/* few bytes a level: 300 of them fit into a copied stack */
NOINLINE static long recurse(int n)
{
	long r;

	if (!n) {
		spin(200 * SPIN);
		return 1;
	}
	r = recurse(n - 1);
	KEEP(r);
	return r + 1;
}

int main(int argc, char **argv)
{
	corpus_begin(argc, argv);
	while (corpus_running()) {
		long r = recurse(300);

		for (int i = 0; i < 70; i++)
			r += by_case(i);
		KEEP(r);
	}
	return 0;
}
