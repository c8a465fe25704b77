/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Times are nanoseconds in uint64_t. "mono" is CLOCK_MONOTONIC, the clock of
 * every event; "wall" is CLOCK_REALTIME, what people and files are told.
 */
#ifndef RINGPROF_BASE_CLOCK_H
#define RINGPROF_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC  UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)

static inline uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static inline uint64_t mono_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t wall_now(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/* The mono time `ns` from now, never beyond INT64_MAX: what waits may be told to wait for ever. */
static inline uint64_t mono_in(uint64_t ns)
{
	uint64_t now = mono_now();

	return ns > INT64_MAX - now ? INT64_MAX : now + ns;
}

/* wall - mono now; add it to a mono time (it changes when the clock is set) */
static inline int64_t wall_offset(void)
{
	return (int64_t)(wall_now() - mono_now());
}

#endif
