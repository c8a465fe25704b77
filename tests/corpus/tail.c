// SPDX-License-Identifier: GPL-2.0
/* Tail calls: jumps to functions, direct, by pointer, mutual, and out of frames torn down. */
#include "corpus.h"

typedef long (*step_fn)(long n, long acc);

static long even(long n, long acc);

NOINLINE static long odd(long n, long acc)
{
	spin(SPIN / 20);
	KEEP(acc);
	return n ? even(n - 1, acc + 1) : acc;
}

NOINLINE static long even(long n, long acc)
{
	spin(SPIN / 20);
	KEEP(acc);
	return n ? odd(n - 1, acc ^ n) : acc;
}

NOINLINE static long work(long n, long acc)
{
	spin(SPIN);
	KEEP(acc);
	return acc + n;
}

/* registers saved and given back before the jump */
NOINLINE static long framed(long n, long acc)
{
	long a = work(n, acc), b = work(acc, n);

	KEEP(a);
	KEEP(b);
	return even(n & 31, a + b);
}

static const step_fn steps[] = { odd, even, work, framed };

NOINLINE static long pick(long n, long acc)
{
	step_fn f = steps[n & 3];

	KEEP(f);
	return f(n, acc + 1);
}

NOINLINE static long caller(long n)
{
	long r = pick(n, 1) + framed(n, 2);

	KEEP(r);
	return r + 1;
}

int main(int argc, char **argv)
{
	corpus_begin(argc, argv);
	while (corpus_running())
		for (long i = 0; i < 100; i++) {
			long r = caller(i);

			KEEP(r);
		}
	return 0;
}
