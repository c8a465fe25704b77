// SPDX-License-Identifier: GPL-2.0
/*
 * halfidle SECONDS: works and sleeps by turns, about half of the time each
 *
 * Turns have random lengths of 5 to 15 ms. What it used is printed as JSON
 * (ns of the process, user and system together).
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "work.h"

NOINLINE static void halfidle_turn(int64_t ns)
{
	int64_t end = clock_ns(CLOCK_MONOTONIC) + ns;

	while (clock_ns(CLOCK_MONOTONIC) < end)
		spin(5000);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 5;
	int64_t end = clock_ns(CLOCK_MONOTONIC) + (int64_t)(seconds * 1e9);

	while (clock_ns(CLOCK_MONOTONIC) < end) {
		halfidle_turn(5000000 + random() % 10000000);
		usleep(5000 + random() % 10000);
	}
	printf("{\"pid\":%d,\"cpu_ns\":%lld}\n", getpid(),
	       (long long)clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	return 0;
}
