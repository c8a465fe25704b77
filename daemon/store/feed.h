/* SPDX-License-Identifier: GPL-2.0 */
/* What a feed is made of, before a stack of it is read: windows picked from memory and tiers. */
#ifndef RINGPROF_STORE_FEED_H
#define RINGPROF_STORE_FEED_H

#include "store/hfile.h"
#include "store/store_int.h"

struct pick {
	uint64_t from, to;	      /* wall ns */
	uint64_t first_seq, last_seq; /* the tens it covers */
	uint64_t origin;
	uint32_t tier;
	struct window *w; /* memory: a reference */
	struct hfile *f;  /* disk: a reference, and the row */
	struct hrow row;
};

struct picks {
	struct pick *p;
	size_t n, cap;
	uint32_t other_hosts; /* see store_used */
};

/* Picks in order of time; 0, -ENOMEM, or a matcher's error. */
int feed_plan(struct store *s, const struct store_ask *ask, struct picks *ret);
/* The same of files of single samples. */
int feed_plan_raw(struct store *s, const struct store_ask *ask, struct picks *ret);
void picks_free(struct picks *p);

#endif
