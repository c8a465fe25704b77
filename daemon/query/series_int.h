/* SPDX-License-Identifier: GPL-2.0 */
/* Between time lines of windows (series.c) and of single samples (series_raw.c). */
#ifndef RINGPROF_QUERY_SERIES_INT_H
#define RINGPROF_QUERY_SERIES_INT_H

#include "query/budget.h"
#include "query/series.h"

struct line {
	struct budget budget;
	const struct series_ask *ask;
	struct series *s;
	uint32_t cap_groups;
	struct hmap index;
	uint32_t other; /* group number + 1, 0: none */
	bool hosts;	/* several may have recorded at a time: that is covered once */
	uint64_t until; /* end of what is covered by then, wall ns */
};

/* A window was recorded, `sampled` ns of it; what it lost. 0, or by the limits. */
int line_window(struct line *l, uint64_t from, uint64_t to, uint64_t sampled, uint64_t lost_samples,
		uint64_t lost);
/* Adds `value` of [from, to), shared out by time, to the points that it overlaps. */
void line_spread(const struct series *s, uint64_t *points, uint64_t from, uint64_t to,
		 uint64_t value);
/* The group of a label set, made when new; 0 or -ENOMEM. */
int line_group(struct line *l, const struct model_series *labels, uint32_t *ret);
/* All samples of the range one by one instead of windows. 0, or as query_tree. */
int line_raw(struct line *l, const struct query_env *env, const struct selector *sel);

#endif
