/* SPDX-License-Identifier: GPL-2.0 */
/* Between feeds of whole windows (feed.c) and of cut ones (feed_cut.c). */
#ifndef RINGPROF_QUERY_FEED_INT_H
#define RINGPROF_QUERY_FEED_INT_H

#include "query/feed.h"

/* Can the range of the history be answered to the moment? */
bool feed_can_cut(const struct query_env *env, const struct query_input *in,
		  const struct selector *sel);
/* Windows of it cut at its ends to fn; used may be NULL. As query_feed. */
int feed_cut(const struct query_env *env, const struct store_ask *ask, const struct selector *sel,
	     window_fn fn, void *arg, struct store_used *used);

#endif
