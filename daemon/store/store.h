/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where closed windows go. Today: memory, the last hour under a byte budget,
 * oldest out first. The lasting store (SQLite) takes this interface's place
 * later. Any thread.
 */
#ifndef RINGPROF_STORE_STORE_H
#define RINGPROF_STORE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "agg/window.h"

struct store;

struct store_config {
	uint64_t max_age; /* ns before the newest window's end */
	/*
	 * Windows, and each model once that one of them refers to. The newest
	 * window stays whatever the limit: it should be several times the
	 * aggregator's max_model_bytes.
	 */
	size_t max_bytes;
};

struct store *store_new(const struct store_config *cfg); /* NULL: no memory */
void store_free(struct store *s); /* NULL is fine; references given out stay good */
void store_reconfigure(struct store *s, const struct store_config *cfg);
/*
 * Takes over the caller's reference, also when it fails: 0 or -ENOMEM. Windows
 * come in order of their mono times and do not overlap.
 */
int store_add(struct store *s, struct window *w);

/* A reference to each window that overlaps [from, to), wall ns, oldest first. */
struct window_list {
	struct window **w;
	size_t n;
};
/* 0 or -ENOMEM; *ret is empty then. Free with window_list_free. */
int store_range(struct store *s, uint64_t wall_from, uint64_t wall_to, struct window_list *ret);
/* The same by mono ns (scrapes). */
int store_range_mono(struct store *s, uint64_t from, uint64_t to, struct window_list *ret);
void window_list_free(struct window_list *l);

struct store_counters {
	uint64_t windows, bytes, oldest_wall, newest_wall, dropped_by_budget, dropped_by_age;
};
void store_counters(struct store *s, struct store_counters *ret);

#endif
