/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters, of one CPU or summed. Consistent when the sampler is stopped;
 * while it runs they are a moment old, each for itself.
 */
#ifndef RINGPROF_KMOD_STATS_H
#define RINGPROF_KMOD_STATS_H

#include <linux/ringprof.h>
#include <linux/types.h>

struct rp_cpu;

struct rp_stats {
	u64 calls;
	u64 outcome[__RINGPROF_OUT_MAX];
	u64 missed; /* periods that never fired */
	u64 event_count;
	u64 elapsed; /* ns */
	u64 chain_hits;
	u64 nodes;
	u64 bytes;
	u64 frames;
	u64 handler_ns;
	u64 node_limit_hits;
	u64 unwind[__RINGPROF_UNW_MAX];
	u32 epoch; /* sums: the highest */
};

/* Adds c's counters. Sleeps; locked (sampler.h). */
void rp_stats_add(struct rp_stats *sum, struct rp_cpu *c);

#endif
