// SPDX-License-Identifier: GPL-2.0
/*
 * steady [SECONDS]: one loop, one stack, for ever or for SECONDS
 *
 * The load of a service that does the same all day: after the first samples
 * the profiler has seen every call chain.
 */
#include <stdlib.h>

#include "work.h"

static int64_t deadline;

NOINLINE static void steady_inner(uint64_t n)
{
	spin(n);
	__asm__ volatile("");
}

NOINLINE static void steady_work(void)
{
	for (int i = 0; i < 64; i++)
		steady_inner(20000);
	__asm__ volatile("");
}

NOINLINE static void steady_loop(void)
{
	while (clock_ns(CLOCK_MONOTONIC) < deadline)
		steady_work();
	__asm__ volatile("");
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1e8;

	deadline = clock_ns(CLOCK_MONOTONIC) + (int64_t)(seconds * 1e9);
	steady_loop();
	return 0;
}
