/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processes a run was asked to profile, and what they fork. A child
 * belongs to the set when its parent does at the time of the fork; a process
 * leaves it when its pid is given to a child of a stranger, so nothing depends
 * on seeing an exit.
 *
 * Used by the collector thread alone.
 */
#ifndef RINGPROF_SOURCE_PIDSET_H
#define RINGPROF_SOURCE_PIDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "source/event.h"

/* the kernel's PID_MAX_LIMIT: no pid is above it */
#define PIDSET_MAX (1U << 22)

struct pidset {
	uint8_t *bits; /* by pid, 512 KiB of which few pages are touched; NULL: everybody */
};

/* n 0: everybody. 0, -EINVAL for an impossible pid, -ENOMEM. */
int pidset_init(struct pidset *s, const pid_t *pids, size_t n);
void pidset_free(struct pidset *s);
bool pidset_has(const struct pidset *s, int32_t pid);
/* Takes every EV_FORK, in time order. */
void pidset_fork(struct pidset *s, const struct event *ev);

#endif
