/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module counted since we came, of what it tells by netlink alone.
 * Private to kmod.c.
 *
 * Used by the collector thread alone.
 */
#ifndef RINGPROF_SOURCE_KMOD_STATS_H
#define RINGPROF_SOURCE_KMOD_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "source/control.h"

struct kmod_stats { /* begins as zero */
	uint64_t missed, missed_base;
	uint64_t unwind[16], unwind_base[16];
	bool has_base;
};

/* The totals as they are now; what the first ones say was not counted for us. */
void kmod_stats_take(struct kmod_stats *s, const struct control_stats *now);

#endif
