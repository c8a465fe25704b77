// SPDX-License-Identifier: GPL-2.0
/* See gap.h. */
#include "agg/gap.h"

#include "base/clock.h"

#define STRETCH_NS NSEC_PER_SEC
/* stop, last drain, open and start take some 10 ms; what takes longer is no switch */
#define SWITCH_NS (2 * NSEC_PER_SEC)
#define ONE_CPU	  1000000U

void gap_look(struct gap *g, uint64_t now, const struct source_counters *sum,
	      const struct source_info *info)
{
	/* what is not wanted is not missed either */
	uint64_t busy =
		sum->calls - sum->outcome[RINGPROF_OUT_IDLE] - sum->outcome[RINGPROF_OUT_FILTERED];
	uint64_t us = (now - g->at) / 1000;

	if (g->at && now - g->at < STRETCH_NS)
		return;
	/* ns * 1000 / us are millionths */
	if (g->at && busy >= g->busy) {
		g->work = (busy - g->busy) * source_period_ns(info) * 1000 / us;
		g->known = true;
	}
	g->at = now;
	g->busy = busy;
}

void gap_begin(struct gap *g, uint64_t now)
{
	g->since = now;
	g->at = 0;
}

uint64_t gap_end(struct gap *g, uint64_t now, const struct source_info *info)
{
	uint64_t ns = now - g->since, all = (uint64_t)info->cpus * ONE_CPU;
	uint64_t work = g->known && g->work < all ? g->work : all;
	uint64_t period = source_period_ns(info);
	bool is_switch = g->since && ns <= SWITCH_NS;

	g->since = 0;
	return is_switch && period ? ns / 1000 * work / 1000 / period : 0;
}
