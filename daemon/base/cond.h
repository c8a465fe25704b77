/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Condition variables whose waits end by CLOCK_MONOTONIC, which nobody sets.
 */
#ifndef RINGPROF_BASE_COND_H
#define RINGPROF_BASE_COND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* 0 or -errno (glibc: never). */
static inline int cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	int r = pthread_condattr_init(&attr);

	if (r)
		return -r;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	r = pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	return -r;
}

/*
 * Waits for a signal, lock held, until the mono time `until` at the latest: false, it
 * has come. As any such wait it may return without a signal.
 */
static inline bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t until)
{
	struct timespec ts = { .tv_sec = (time_t)(until / NSEC_PER_SEC),
			       .tv_nsec = (long)(until % NSEC_PER_SEC) };

	return !pthread_cond_timedwait(cond, lock, &ts);
}

#endif
