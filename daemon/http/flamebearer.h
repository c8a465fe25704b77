/* SPDX-License-Identifier: GPL-2.0 */
/* A tree, or two of them, as levels of bars: the form that Grafana's flame graph reads. */
#ifndef RINGPROF_HTTP_FLAMEBEARER_H
#define RINGPROF_HTTP_FLAMEBEARER_H

#include "query/diff.h"
#include "query/query.h"

#define FLAMEBEARER_BAR	 4 /* distance to the end of the bar before, total, self; name */
#define FLAMEBEARER_DIFF 7 /* those three of the left side, of the right one; name */

struct flamebearer {
	const char **names;  /* the tree's; 0 is "total" */
	int64_t *values;     /* bars of level 0, then of level 1, ... */
	uint32_t *level_end; /* bars up to the end of each level */
	uint32_t n_names, n_levels, bar;
	int64_t max_self;
};

/* 0 or -ENOMEM (f is empty then); the tree must outlive f. Pure. */
int flamebearer_make(struct flamebearer *f, const struct tree *t);
int flamebearer_make_diff(struct flamebearer *f, const struct diff *d);
void flamebearer_free(struct flamebearer *f);

#endif
