// SPDX-License-Identifier: GPL-2.0
/*
 * Lifetime of closed windows. They are immutable, so a reference is all that a
 * reader on any thread needs; agg/accum.c makes them.
 */
#include "agg/window.h"

#include <stdlib.h>

struct window *window_ref(struct window *w)
{
	__atomic_add_fetch(&w->refs, 1, __ATOMIC_RELAXED);
	return w;
}

void window_unref(struct window *w)
{
	if (!w || __atomic_sub_fetch(&w->refs, 1, __ATOMIC_ACQ_REL))
		return;
	model_unref(w->model);
	free(w->entries);
	free(w->losses);
	free(w->events);
	free(w);
}

struct window_event *window_take_events(struct window *w, uint32_t *n)
{
	*n = w->n_events;
	return __atomic_exchange_n(&w->events, NULL, __ATOMIC_ACQ_REL);
}

size_t window_bytes(const struct window *w)
{
	return sizeof(*w) + (size_t)w->n_entries * sizeof(*w->entries) +
	       (size_t)w->n_losses * sizeof(*w->losses);
}
