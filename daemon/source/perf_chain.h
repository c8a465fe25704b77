/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Perf's call chains (leaf first, user and kernel parts apart) to chains of
 * the shared table, in the shape that the module gives them: one chain from an
 * end mark through user frames to kernel frames, without the sampled pc.
 *
 * Perf does not say why a chain ends, so its end marks say what can be known:
 *
 *   END_DEPTH, END_KDEPTH   as many frames as were asked for (the latter: all of
 *                           them kernel frames)
 *   END_KTHREAD             a kernel part and no user part: a kernel thread, or
 *                           a task so far into its exit that it has no memory
 *   END_NO_MM               the same, of a task without a pid any more
 *   END_PC_RANGE            an address that is no user pc in the user part
 *   END_NO_REGS             no chain at all
 *   END_FP_RANGE            everything else: perf's walk stops where the frame
 *                           pointer is no user address (0, the proper end, is none
 *                           either) or cannot be read. Whether it is the root is
 *                           told by the outermost function, not by this mark.
 *
 * That is so for user parts by perf. One from registers and copied stack bytes
 * says itself why it ends, and perf is asked for the kernel part alone.
 *
 * Used by the collector thread alone.
 */
#ifndef RINGPROF_SOURCE_PERF_CHAIN_H
#define RINGPROF_SOURCE_PERF_CHAIN_H

#include <linux/ringprof.h>

#include "source/chains.h"
#include "source/perf_record.h"

#define PERF_CHAIN_CACHE 4096U /* power of two */

/* whole chains seen lately; zeroed is empty */
struct perf_chain_cache {
	struct {
		uint64_t hash;
		uint32_t chain; /* 0: empty entry */
		uint32_t generation;
	} entries[PERF_CHAIN_CACHE];
	uint64_t hits;
	uint64_t frames; /* walked, by perf or by us */
};

/* The user part of a chain where perf's own is not asked for (perf_user.h). */
struct perf_user {
	const uint64_t *addr; /* leaf side first, without the sampled pc */
	uint32_t n;
	enum ringprof_end end;
	uint32_t flags; /* RINGPROF_SAMPLE_* */
};

/*
 * Chain of s, CHAIN_NONE when the table is full. user: instead of what s->ips
 * has of user code; NULL: nothing. max_stack is what perf was asked for.
 * *flags: RINGPROF_SAMPLE_*.
 */
uint32_t perf_chain(struct perf_chain_cache *cache, struct chains *c, const struct perf_sample *s,
		    const struct perf_user *user, uint32_t max_stack, uint32_t *flags);

#endif
