/* SPDX-License-Identifier: GPL-2.0 */
/*
 * User stacks of the perf source from what it copied of them: registers and
 * bytes. source_config.unwind walks them: it has the mappings and unwind rows.
 *
 * Used by the collector thread alone.
 */
#ifndef RINGPROF_SOURCE_PERF_USER_H
#define RINGPROF_SOURCE_PERF_USER_H

#include "source/perf_chain.h"
#include "source/source_priv.h"

struct perf_walker {
	uint64_t addr[RINGPROF_DEPTH_LIMIT + 1]; /* the pc that a system call left, and its callers */
	struct perf_user part;
	uint64_t unwind[RINGPROF_UNW_MAX + 1]; /* counters */
};

/*
 * The user part of p (which has registers) as of `time`; valid until the next
 * call. Never more frames than the settings ask for.
 */
const struct perf_user *perf_walk(struct perf_walker *w, struct source *s,
				  const struct perf_sample *p, uint64_t time);

#endif
