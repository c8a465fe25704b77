/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPU by time: a range cut into equal steps, and what each group of label sets
 * used in each. Reads totals only, never a stack. Any thread.
 */
#ifndef RINGPROF_QUERY_SERIES_H
#define RINGPROF_QUERY_SERIES_H

#include "query/query.h"

#define SERIES_MAX_POINTS 11000
#define SERIES_MAX_GROUPS 4096 /* past them label sets go into the group "other" */
#define SERIES_MAX_LABELS 8

struct series_ask {
	uint64_t from, to;   /* wall ns */
	uint64_t step;	     /* ns, 0: so that there are at most max_points */
	uint32_t max_points; /* 2..SERIES_MAX_POINTS */
	const char *const *group_by;
	uint32_t n_group_by; /* up to SERIES_MAX_LABELS; 0: one group for all */
	uint32_t max_groups; /* heaviest; the others are added up in one. 0: SERIES_MAX_GROUPS */
};

struct series_group {
	const char *values[SERIES_MAX_LABELS]; /* of the labels asked for, "" where there is none */
	bool other;			       /* those past the limit, no values */
	uint64_t *weight, *samples;	       /* by point */
	uint64_t total, total_samples;
	uint64_t first, last; /* begin of the first, end of the last window with it, wall ns */
};

struct series {
	uint64_t from, to, step; /* point i is [from + i * step, from + (i + 1) * step) */
	uint32_t n_points;
	bool raw;	   /* made of single samples: points are as fine as they look */
	uint64_t *covered; /* by point: ns of it in which samples could come */
	uint64_t *lost, *lost_samples, *weight, *samples; /* by point, of all groups */
	uint64_t total;					  /* ns */
	struct series_group *groups;			  /* heaviest first, "other" last */
	uint32_t n_groups;
	struct strtab *strings;
};

/*
 * A window that spans several points is shared out by time, so that sums stay
 * exact. Begin and end are moved out to whole steps. No step is below 1 s; but
 * one below that of the finest windows is answered from single samples where
 * the store has them of the range, down to 1 ms, and then pid, tid and cpu may
 * be grouped by; without a step this is done where it would be 2 s or less.
 * 0, or as query_tree. Free with series_free.
 */
int query_series(const struct query_env *env, const struct series_ask *ask,
		 const struct selector *sel, const struct query_limits *lim, struct series **ret);
void series_free(struct series *s);
/* The step for about max_points of a range: a whole number of seconds, minutes, hours that people use. */
uint64_t series_step(uint64_t range, uint32_t max_points);

#endif
