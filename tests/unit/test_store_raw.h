/* SPDX-License-Identifier: GPL-2.0 */
/* Windows with single samples, and what the tests of those know of them. */
#ifndef RINGPROF_TESTS_STORE_RAW_H
#define RINGPROF_TESTS_STORE_RAW_H

#include "test_store_world.h"

#define RAW_BYTES (256ULL << 10)

static inline struct store *open_raw(uint64_t raw)
{
	struct store *s =
		store_new(&(struct store_config){ .max_age = 3600 * SEC, .max_bytes = 1 });
	struct history_config c = world_config(1ULL << 30);
	char err[256] = "";

	c.raw_bytes = raw;
	if (store_open_history(s, &c, err, sizeof(err)))
		TAP_FAIL("%s", err);
	return s;
}

/* A window whose samples have times of their own, not in order. */
static inline struct window *raw_window(struct world_model *m, uint64_t wall)
{
	struct window *w = world_window(m, wall, 10 * SEC);
	uint32_t seed = (uint32_t)(wall / SEC);

	w->events = calloc(w->samples, sizeof(*w->events));
	for (uint32_t i = 0; i < w->n_entries; i++)
		for (uint32_t k = 0; k < w->entries[i].count; k++)
			w->events[w->n_events++] =
				(struct window_event){ .entry = i,
						       .us = world_random(&seed) % 10000000 };
	return w;
}

static inline void fill(struct store *s, struct world_model *m, uint64_t from, uint64_t to)
{
	for (uint64_t t = from; t < to; t += 10 * SEC) {
		world_clock = t + 10 * SEC;
		CHECK_EQ(store_add(s, raw_window(m, t)), 0);
		if (t / (10 * SEC) % 16 == 0)
			store_sync(s);
	}
	store_sync(s);
}

/* Samples of [from, to) that the test itself knows of; tid 0 and cpu -1: all. */
static inline uint64_t count(struct world_model *m, uint64_t from, uint64_t to, int tid, int cpu)
{
	uint64_t n = 0;

	for (uint64_t t = from / (10 * SEC) * (10 * SEC); t < to; t += 10 * SEC) {
		struct window *w = raw_window(m, t);

		for (uint32_t i = 0; i < w->n_events; i++) {
			const struct window_entry *e = &w->entries[w->events[i].entry];
			uint64_t at = t + w->events[i].us * 1000ULL;

			n += at >= from && at < to &&
			     (!tid || model_thread(m->m, e->thread)->tid == tid) &&
			     (cpu < 0 || e->cpu == cpu);
		}
		window_unref(w);
	}
	return n;
}

#endif
