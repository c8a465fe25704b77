// SPDX-License-Identifier: GPL-2.0
/* Level by level: the bars of one give the order and the begins of the next. */
#include "http/flamebearer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* a node of either kind of tree */
struct shown {
	uint32_t first_child, next, func;
	uint64_t self[2], total[2];
};

struct source {
	const struct tree *t; /* or */
	const struct diff *d;
};

struct bar {
	uint32_t node;
	uint64_t x[2];
};

static struct shown node_of(const struct source *s, uint32_t i)
{
	if (s->t) {
		const struct tree_node *n = &s->t->nodes[i];

		return (struct shown){ n->first_child, n->next, n->func, { n->self }, { n->total } };
	}
	const struct diff_node *n = &s->d->nodes[i];

	return (struct shown){ n->first_child,
			       n->next,
			       n->func,
			       { n->a_self, n->b_self },
			       { n->a_total, n->b_total } };
}

static const char *name_of(const struct source *s, uint32_t func)
{
	return s->t ? s->t->funcs[func].name : s->d->funcs[func].f.name;
}

/* end: of the bar before, moved on */
static void put_bar(struct flamebearer *f, const struct shown *n, const struct bar *b, uint32_t at,
		    const uint32_t *name, uint64_t *end)
{
	int64_t *v = f->values + (size_t)at * f->bar;

	for (uint32_t side = 0; 3 * side + 1 < f->bar; side++) {
		v[3 * side] = (int64_t)(b->x[side] - end[side]);
		v[3 * side + 1] = (int64_t)n->total[side];
		v[3 * side + 2] = (int64_t)n->self[side];
		end[side] = b->x[side] + n->total[side];
		if (b->node && v[3 * side + 2] > f->max_self)
			f->max_self = v[3 * side + 2];
	}
	v[f->bar - 1] = name[n->func];
}

/* bars[first, last) are a level: puts it, and its children behind last. The new end. */
static uint32_t put_level(struct flamebearer *f, const struct source *s, struct bar *bars,
			  uint32_t first, uint32_t last, const uint32_t *name)
{
	uint64_t end[2] = { 0 };
	uint32_t n = last;

	for (uint32_t i = first; i < last; i++) {
		struct shown up = node_of(s, bars[i].node), down;
		struct bar next = bars[i];

		put_bar(f, &up, &bars[i], i, name, end);
		for (next.node = up.first_child; next.node; next.node = down.next) {
			bars[n++] = next;
			down = node_of(s, next.node);
			next.x[0] += down.total[0];
			next.x[1] += down.total[1];
		}
	}
	f->level_end[f->n_levels++] = last;
	return n;
}

/* Numbers names in order of the functions; the root's is 0. */
static void put_names(struct flamebearer *f, const struct source *s, uint32_t n_funcs,
		      uint32_t *name)
{
	uint32_t root = node_of(s, 0).func;

	f->names[f->n_names++] = name_of(s, root);
	name[root] = 0;
	for (uint32_t i = 0; i < n_funcs; i++) {
		if (i == root)
			continue;
		name[i] = f->n_names;
		f->names[f->n_names++] = name_of(s, i);
	}
}

static int make(struct flamebearer *f, const struct source *s, uint32_t n_nodes, uint32_t n_funcs,
		uint32_t bar)
{
	cleanup_free struct bar *bars = calloc(n_nodes, sizeof(*bars));
	cleanup_free uint32_t *name = calloc(n_funcs, sizeof(*name));
	uint32_t first = 0, last = 1;

	*f = (struct flamebearer){ .bar = bar };
	f->names = calloc(n_funcs, sizeof(*f->names));
	f->values = calloc((size_t)n_nodes * bar, sizeof(*f->values));
	f->level_end = calloc(n_nodes, sizeof(*f->level_end));
	if (!bars || !name || !f->names || !f->values || !f->level_end) {
		flamebearer_free(f);
		return -ENOMEM;
	}
	put_names(f, s, n_funcs, name);
	while (first < last) {
		uint32_t end = put_level(f, s, bars, first, last, name);

		first = last;
		last = end;
	}
	return 0;
}

int flamebearer_make(struct flamebearer *f, const struct tree *t)
{
	return make(f, &(struct source){ .t = t }, t->n_nodes, t->n_funcs, FLAMEBEARER_BAR);
}

int flamebearer_make_diff(struct flamebearer *f, const struct diff *d)
{
	return make(f, &(struct source){ .d = d }, d->n_nodes, d->n_funcs, FLAMEBEARER_DIFF);
}

void flamebearer_free(struct flamebearer *f)
{
	free(f->names);
	free(f->values);
	free(f->level_end);
	*f = (struct flamebearer){ 0 };
}
