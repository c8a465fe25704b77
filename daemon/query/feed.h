/* SPDX-License-Identifier: GPL-2.0 */
/* The windows of an input, one after the other: a list's or the store's. */
#ifndef RINGPROF_QUERY_FEED_H
#define RINGPROF_QUERY_FEED_H

#include "query/budget.h"

/*
 * Calls fn with each window, in order of time; of a range of less than a minute
 * that the store has single samples of, cut to the range; sel spares the store what it
 * cannot match (fn still sees windows without a match: their length and losses
 * count). 0, fn's error, the store's, or by the budget.
 */
int query_feed(const struct query_env *env, const struct query_input *in,
	       const struct selector *sel, struct budget *b, window_fn fn, void *arg,
	       struct store_used *used);
/* The input's range narrowed to what sel may find there; false: unknown (nothing there). */
bool query_extent(const struct query_env *env, const struct query_input *in,
		  const struct selector *sel, uint64_t *from, uint64_t *to);

#endif
