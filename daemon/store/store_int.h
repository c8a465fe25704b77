/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the store share: the windows in memory and their lock. */
#ifndef RINGPROF_STORE_INT_H
#define RINGPROF_STORE_INT_H

#include <pthread.h>

#include "store/events.h"
#include "store/store.h"

struct history;

struct store_model {
	const struct model *model; /* alive as its windows are */
	size_t windows;
};

struct store_item {
	struct window *w;
	/*
	 * Counts the ten seconds that were recorded, over restarts: pieces of one
	 * ten have one number, and so has its window on disk. A window of a
	 * coarser tier covers a run of numbers. So what memory and disk hold twice
	 * is told by number, whatever was done to the clock.
	 */
	uint64_t seq;
	/* with the one before it is one row on disk: of one ten, whatever their numbers */
	bool goes_on;
};

struct store {
	pthread_mutex_t lock;
	struct store_config cfg;
	struct store_item *w; /* w[head .. head + n) by start */
	size_t head, n, cap;
	uint64_t seq;		    /* of the newest window */
	struct store_model *models; /* in order of their first window */
	size_t n_models, cap_models;
	size_t window_bytes;
	struct store_counters c; /* the dropped_ ones */
	struct events *events;
	struct history *history; /* NULL: memory only */
};

#endif
