// SPDX-License-Identifier: GPL-2.0
/*
 * Single samples of a window, by the places that its entries have in the file.
 * Entries of several CPUs are one there; the CPU is the sample's.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "store/roll_int.h"

static int by_number(const void *va, const void *vb)
{
	const struct code_entry *a = va, *b = vb;

	if (a->series != b->series)
		return a->series < b->series ? -1 : 1;
	return (a->local > b->local) - (a->local < b->local);
}

static int by_time(const void *va, const void *vb)
{
	const struct raw_sample *a = va, *b = vb;

	if (a->us != b->us)
		return a->us < b->us ? -1 : 1;
	return (a->cpu > b->cpu) - (a->cpu < b->cpu);
}

/* Where the window's entries are in e; UINT32_MAX: nowhere. */
static void find_places(const struct roll *r, const struct code_entry *e, uint32_t n,
			uint32_t *place)
{
	for (uint32_t i = 0; i < r->window->n_entries; i++) {
		const struct code_entry *at = NULL;

		if (r->places[i] != UINT32_MAX) {
			const struct cell *c = &r->cells.cell[r->places[i]];
			struct code_entry key = { .series = c->series, .local = c->local };

			at = bsearch(&key, e, n, sizeof(*e), by_number);
		}
		place[i] = at ? (uint32_t)(at - e) : UINT32_MAX;
	}
}

int roll_place_samples(struct roll *r, struct code_head *head, const struct code_entry *e,
		       uint32_t n, struct raw_sample **ret)
{
	cleanup_free uint32_t *place = malloc((r->window->n_entries + 1UL) * sizeof(*place));
	struct raw_sample *s = malloc((r->n_events + 1UL) * sizeof(*s));
	uint32_t k = 0;

	*ret = s;
	if (!place || !s)
		return -ENOMEM;
	find_places(r, e, n, place);
	for (uint32_t i = 0; i < r->n_events; i++) {
		const struct window_event *v = &r->events[i];

		if (v->entry >= r->window->n_entries || place[v->entry] == UINT32_MAX)
			continue;
		s[k++] = (struct raw_sample){ .entry = place[v->entry],
					      .us = v->us,
					      .cpu = r->window->entries[v->entry].cpu };
	}
	qsort(s, k, sizeof(*s), by_time);
	head->samples = s;
	head->n_samples = k;
	return 0;
}
