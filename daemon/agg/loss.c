// SPDX-License-Identifier: GPL-2.0
/*
 * What did not become a sample: the source's counters since the last look are
 * losses of the window that is open now. Emitted samples come as events and
 * idle is counted, filtered ones were not wanted; everything else has a name.
 */
#include "agg/agg_internal.h"

/*
 * What a counter is above the most it ever was. Counters of sources that are
 * gone are in the sums (collector.c), so a fall is none of a fresh start: some
 * source could not tell all of it, and will when it can again.
 */
static uint64_t gained(uint64_t now, uint64_t *most)
{
	uint64_t more = now > *most ? now - *most : 0;

	*most += more;
	return more;
}

uint64_t agg_period(const struct agg *a)
{
	return a->acc.last_weight ? a->acc.last_weight : a->period;
}

static void lose(struct agg *a, unsigned int slot, uint64_t count)
{
	if (count)
		accum_lost(&a->acc, slot, count, count * agg_period(a));
}

static void lose_outcomes(struct agg *a, const struct source_counters *now)
{
	/* outcomes past __RINGPROF_OUT_MAX are losses that a newer module knows */
	for (unsigned int i = RINGPROF_OUT_THROTTLED; i < ACCUM_OUTCOMES; i++)
		lose(a, i, gained(now->outcome[i], &a->seen.outcome[i]));
}

/* Bytes that made no sense: as many samples as they had room for. */
static uint64_t corrupt_samples(struct agg *a, uint64_t bytes)
{
	bytes += a->corrupt_rest;
	a->corrupt_rest = bytes % sizeof(struct ringprof_rec_sample);
	return bytes / sizeof(struct ringprof_rec_sample);
}

static void take_info(struct agg *a, const struct source_info *info)
{
	uint64_t period = source_period_ns(info);

	/* the samples that were seen are of the settings before */
	if (period != a->period)
		a->acc.last_weight = 0;
	a->period = period;
	a->unit = RINGPROF_UNIT_NS; /* as weights are */
	a->cpus = info->cpus;
	a->cpus_before = a->cpus ? a->cpus : a->cpus_before;
}

void agg_losses(struct agg *a, const struct source_counters *now, const struct source_info *info)
{
	struct source_counters *seen = &a->seen;

	_Static_assert(sizeof(now->outcome) / sizeof(now->outcome[0]) == ACCUM_OUTCOMES, "a slot "
											 "for each "
											 "outcome");
	if (info)
		take_info(a, info);
	a->acc.idle += gained(now->outcome[RINGPROF_OUT_IDLE], &seen->outcome[RINGPROF_OUT_IDLE]);
	lose_outcomes(a, now);
	lose(a, ACCUM_OUTCOMES + LOST_MISSED, gained(now->missed, &seen->missed));
	/* hours of a daemon that is gone fit no window; they are counted for /metrics */
	lose(a, ACCUM_OUTCOMES + LOST_DETACHED,
	     gained(now->detached - now->detached_before, &seen->detached));
	lose(a, ACCUM_OUTCOMES + LOST_QUEUE, gained(now->lost_samples, &seen->lost_samples));
	lose(a, ACCUM_OUTCOMES + LOST_CORRUPT,
	     corrupt_samples(a, gained(now->unreadable, &seen->unreadable)));
}
