// SPDX-License-Identifier: GPL-2.0
/* Level by level: the bars of one give the order and the begins of the next. */
#include "http/flamebearer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct bar {
	uint32_t node;
	uint64_t x;
};

static void put_bar(struct flamebearer *f, const struct tree *t, const struct bar *b, uint32_t at,
		    const uint32_t *name, uint64_t end)
{
	const struct tree_node *n = &t->nodes[b->node];
	int64_t *v = f->values + (size_t)at * FLAMEBEARER_BAR;

	v[0] = (int64_t)(b->x - end);
	v[1] = (int64_t)n->total;
	v[2] = (int64_t)n->self;
	v[3] = name[n->func];
	if (b->node && v[2] > f->max_self)
		f->max_self = v[2];
}

/* bars[first, last) are a level: puts it, and its children behind last. The new end. */
static uint32_t put_level(struct flamebearer *f, const struct tree *t, struct bar *bars,
			  uint32_t first, uint32_t last, const uint32_t *name)
{
	uint64_t end = 0;
	uint32_t n = last;

	for (uint32_t i = first; i < last; i++) {
		uint64_t x = bars[i].x;

		put_bar(f, t, &bars[i], i, name, end);
		end = x + t->nodes[bars[i].node].total;
		for (uint32_t c = t->nodes[bars[i].node].first_child; c; c = t->nodes[c].next) {
			bars[n++] = (struct bar){ .node = c, .x = x };
			x += t->nodes[c].total;
		}
	}
	f->level_end[f->n_levels++] = last;
	return n;
}

/* Numbers names in order of the functions; the root's is 0. */
static void put_names(struct flamebearer *f, const struct tree *t, uint32_t *name)
{
	uint32_t root = t->nodes[0].func;

	f->names[f->n_names++] = t->funcs[root].name;
	name[root] = 0;
	for (uint32_t i = 0; i < t->n_funcs; i++) {
		if (i == root)
			continue;
		name[i] = f->n_names;
		f->names[f->n_names++] = t->funcs[i].name;
	}
}

int flamebearer_make(struct flamebearer *f, const struct tree *t)
{
	cleanup_free struct bar *bars = calloc(t->n_nodes, sizeof(*bars));
	cleanup_free uint32_t *name = calloc(t->n_funcs, sizeof(*name));
	uint32_t first = 0, last = 1;

	*f = (struct flamebearer){ 0 };
	f->names = calloc(t->n_funcs, sizeof(*f->names));
	f->values = calloc((size_t)t->n_nodes * FLAMEBEARER_BAR, sizeof(*f->values));
	f->level_end = calloc(t->n_nodes, sizeof(*f->level_end));
	if (!bars || !name || !f->names || !f->values || !f->level_end) {
		flamebearer_free(f);
		return -ENOMEM;
	}
	put_names(f, t, name);
	while (first < last) {
		uint32_t end = put_level(f, t, bars, first, last, name);

		first = last;
		last = end;
	}
	return 0;
}

void flamebearer_free(struct flamebearer *f)
{
	free(f->names);
	free(f->values);
	free(f->level_end);
	*f = (struct flamebearer){ 0 };
}
