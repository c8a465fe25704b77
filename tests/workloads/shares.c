// SPDX-License-Identifier: GPL-2.0
/*
 * shares SECONDS: three phases at about 70, 20 and 10 % of the CPU time
 *
 * The phases alternate in slices of random length around a millisecond, so
 * that no sampling period can fall into step with them. The truth is each
 * phase's own CLOCK_THREAD_CPUTIME_ID, printed as JSON; the shares wished for
 * are only what the slices aim at.
 *
 * In a virtual machine whose host is busy, that clock also runs while the host
 * has taken the CPU away, for 10 or 100 ms at a time, and no timer ticks then.
 * A round of the three phases that took far longer than its work is therefore
 * booked with what its work takes, and the rest as "stolen". The round as a
 * whole: judged one by one, short slices would be cut more often than long ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "work.h"

static int64_t spent[3], stolen;
static uint64_t per_ms; /* iterations */

NOINLINE static void phase_a(uint64_t n)
{
	KEEP_FRAME();
	spin(n);
	__asm__ volatile("");
}

NOINLINE static void phase_b(uint64_t n)
{
	KEEP_FRAME();
	spin(n);
	__asm__ volatile("nop");
}

NOINLINE static void phase_c(uint64_t n)
{
	KEEP_FRAME();
	spin(n);
	__asm__ volatile("nop; nop");
}

static uint32_t rnd(void)
{
	static uint32_t x = 2463534242U;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

/* Runs phase i; gives the CPU time that it took. */
static int64_t slice(int i, uint64_t n)
{
	int64_t t = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	if (i == 0)
		phase_a(n);
	else if (i == 1)
		phase_b(n);
	else
		phase_c(n);
	return clock_ns(CLOCK_THREAD_CPUTIME_ID) - t;
}

static void one_round(void)
{
	static const uint32_t part[3] = { 7, 2, 1 };
	int64_t took[3], work[3], all = 0, need = 0;

	for (int i = 0; i < 3; i++) {
		uint64_t n = per_ms * part[i] * (512 + rnd() % 1024) / 4096;

		took[i] = slice(i, n);
		work[i] = (int64_t)(n * 1000000 / per_ms);
		all += took[i];
		need += work[i];
	}
	for (int i = 0; i < 3; i++)
		spent[i] += all > 2 * need ? work[i] : took[i];
	if (all > 2 * need)
		stolen += all - need;
}

/* Iterations in a millisecond, the quickest of a few tries. */
static uint64_t calibrate(void)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < 5; i++) {
		int64_t t = clock_ns(CLOCK_THREAD_CPUTIME_ID);

		spin(1000000);
		t = clock_ns(CLOCK_THREAD_CPUTIME_ID) - t;
		if (t > 0 && t < best)
			best = t;
	}
	return 1000000ULL * 1000000 / best + 1;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 5;
	int64_t end = clock_ns(CLOCK_MONOTONIC) + (int64_t)(seconds * 1e9);

	per_ms = calibrate();
	while (clock_ns(CLOCK_MONOTONIC) < end)
		one_round();
	printf("{\"pid\":%d,\"phase_a\":%lld,\"phase_b\":%lld,\"phase_c\":%lld,\"stolen\":%lld}\n",
	       getpid(), (long long)spent[0], (long long)spent[1], (long long)spent[2],
	       (long long)stolen);
	return 0;
}
