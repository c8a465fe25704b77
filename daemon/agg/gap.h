/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What nobody sampled while a source made room for the next one: at another
 * rate, or with other settings. As many periods are missed as CPUs were at work
 * before: an idle host loses nothing by it.
 *
 * Only a switch is that short. A source that is gone, cannot be opened, or was
 * stopped on purpose leaves a stretch of which nothing is recorded, and no loss.
 *
 * Collector thread. Begins as zero.
 */
#ifndef RINGPROF_AGG_GAP_H
#define RINGPROF_AGG_GAP_H

#include <stdbool.h>
#include <stdint.h>

#include "source/source.h"

struct gap {
	uint64_t since;	   /* mono ns when the source ended; 0: no gap is there */
	uint64_t at, busy; /* the last look: mono ns, 0: none; overflows that met no idle CPU */
	uint64_t work;	   /* CPUs at work, in millionths */
	bool known;	   /* that is known; till then all of them are */
};

/* Once a round of a source that samples, with the sums of its counters; now: mono ns. */
void gap_look(struct gap *g, uint64_t now, const struct source_counters *sum,
	      const struct source_info *info);
/* The source was stopped at now. */
void gap_begin(struct gap *g, uint64_t now);
/* The next one samples from now on, as info says: the periods that were missed. */
uint64_t gap_end(struct gap *g, uint64_t now, const struct source_info *info);

#endif
