/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The sampling period for a rate. A period that is a small multiple or
 * fraction of the tick would meet the same phase of whatever the tick does
 * every time; so the period is made a little shorter until no multiple of it
 * up to the 16th comes near a tick.
 */
#ifndef RINGPROF_PERIOD_H
#define RINGPROF_PERIOD_H

#include <linux/types.h>

#define RINGPROF_NS_PER_SEC 1000000000U

static inline __u32 ringprof_gcd(__u32 a, __u32 b)
{
	while (b) {
		__u32 r = a % b;

		a = b;
		b = r;
	}
	return a;
}

/* Does the phase of this period against the tick stand still, or nearly? */
static inline int ringprof_beats(__u32 period, __u32 tick)
{
	__u32 q;

	if (ringprof_gcd(period, tick) != 1)
		return 1;
	for (q = 1; q <= 16; q++) {
		__u32 off = (__u64)period * q - ((__u64)period * q / tick) * tick;

		if (off < tick / 1024 || off > tick - tick / 1024)
			return 1;
	}
	return 0;
}

/* Nanoseconds for 1..10000 Hz; within 2 % of 1/hz. tick: ns of the kernel's tick. */
static inline __u32 ringprof_period(__u32 hz, __u32 tick)
{
	__u32 period = RINGPROF_NS_PER_SEC / hz;
	__u32 least = period - period / 50;
	__u32 step = period / 100000 + 1;

	/* else all periods tried could share a factor with the tick */
	while (ringprof_gcd(step, tick) != 1)
		step++;
	while (period > least && ringprof_beats(period, tick))
		period -= step;
	return period;
}

#endif
