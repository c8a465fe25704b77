// SPDX-License-Identifier: GPL-2.0
/*
 * Order and size of a differential tree, as tree_cut.c does it for a plain
 * one. A node's weight is the larger of its shares on the two sides: never
 * more than its parent's, so "the n heaviest, then the lowest numbers" holds
 * the ancestors of all its members.
 */
#include "query/diff_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strtab.h"

struct weighed {
	double weight;
	uint32_t node;
};

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

/* lightest first, of equal ones the highest number first */
static int by_weight(const void *pa, const void *pb)
{
	const struct weighed *a = pa, *b = pb;

	if (a->weight != b->weight)
		return a->weight < b->weight ? -1 : 1;
	return a->node > b->node ? -1 : a->node < b->node;
}

/* The nodes by weight; NULL: no memory. Free with free(). */
static struct weighed *weigh(const struct diff *d)
{
	struct weighed *w = malloc((size_t)d->n_nodes * sizeof(*w));

	for (uint32_t i = 0; w && i < d->n_nodes; i++) {
		const struct diff_node *n = &d->nodes[i];
		double a = share(n->a_total, d->nodes[0].a_total);
		double b = share(n->b_total, d->nodes[0].b_total);

		w[i] = (struct weighed){ .weight = a > b ? a : b, .node = i };
	}
	if (w)
		qsort(w, d->n_nodes, sizeof(*w), by_weight);
	return w;
}

int diff_link(struct diff *d)
{
	cleanup_free struct weighed *w = weigh(d);

	if (!w)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->n_nodes; i++)
		d->nodes[i].first_child = d->nodes[i].next = 0;
	/* each is put in front: the heaviest comes last, so first */
	for (uint32_t i = 0; i < d->n_nodes; i++) {
		struct diff_node *n = &d->nodes[w[i].node];

		if (!w[i].node)
			continue;
		n->next = d->nodes[n->parent].first_child;
		d->nodes[n->parent].first_child = w[i].node;
	}
	return 0;
}

static int other_func(struct diff *d, uint32_t *ret)
{
	struct diff_func *f = realloc(d->funcs, ((size_t)d->n_funcs + 1) * sizeof(*f));
	uint32_t name;

	if (!f)
		return -ENOMEM;
	d->funcs = f;
	name = strtab_add(d->strings, "(other)");
	if (name == UINT32_MAX)
		return -ENOMEM;
	f[d->n_funcs] = (struct diff_func){ .f = {
						    .name = strtab_get(d->strings, name),
						    .system_name = strtab_get(d->strings, name),
						    .file = "",
						    .object = "",
						    .kind = FRAME_MARK,
					    } };
	*ret = d->n_funcs++;
	return 0;
}

/* id[i]: the number a node will have, UINT32_MAX: cut. 0 or -ENOMEM. */
static int choose(const struct diff *d, uint32_t keep, uint32_t *id)
{
	cleanup_free struct weighed *w = weigh(d);
	uint32_t n = 0;

	if (!w)
		return -ENOMEM;
	memset(id, 0, (size_t)d->n_nodes * sizeof(*id));
	for (uint32_t i = 0; i < d->n_nodes - keep; i++)
		id[w[i].node] = UINT32_MAX;
	for (uint32_t i = 0; i < d->n_nodes; i++)
		if (id[i] != UINT32_MAX)
			id[i] = n++;
	return 0;
}

/* What is cut becomes the own value of its parent's "(other)". */
static void add_other(struct diff_node *to, const struct diff_node *from)
{
	to->a_self += from->a_total;
	to->b_self += from->b_total;
	to->a_samples += from->a_samples;
	to->b_samples += from->b_samples;
	to->a_total = to->a_self;
	to->b_total = to->b_self;
	to->a_self_samples = to->a_samples;
	to->b_self_samples = to->b_samples;
}

static void compact(struct diff *d, const uint32_t *id, struct diff_node *nodes, uint32_t keep,
		    uint32_t *other, uint32_t func)
{
	uint32_t n = keep;

	for (uint32_t i = 0; i < d->n_nodes; i++) {
		const struct diff_node *from = &d->nodes[i];
		uint32_t up = id[from->parent];

		if (id[i] != UINT32_MAX) {
			nodes[id[i]] = *from;
			nodes[id[i]].parent = up;
		} else if (up != UINT32_MAX) {
			if (!other[up]) {
				other[up] = n++;
				nodes[other[up]] = (struct diff_node){ .parent = up, .func = func };
			}
			add_other(&nodes[other[up]], from);
		}
	}
	free(d->nodes);
	d->nodes = nodes;
	d->n_nodes = n;
}

int diff_cut(struct diff *d, uint32_t max_nodes)
{
	cleanup_free uint32_t *id = NULL, *other = NULL;
	struct diff_node *nodes;
	uint32_t func;
	int r;

	if (!max_nodes || d->n_nodes <= max_nodes)
		return 0;
	id = malloc((size_t)d->n_nodes * sizeof(*id));
	other = calloc(max_nodes, sizeof(*other));
	nodes = malloc((size_t)max_nodes * 2 * sizeof(*nodes));
	r = id && other && nodes ? choose(d, max_nodes, id) : -ENOMEM;
	if (!r)
		r = other_func(d, &func);
	if (r) {
		free(nodes);
		return r;
	}
	compact(d, id, nodes, max_nodes, other, func);
	diff_node_errors(d);
	return diff_link(d);
}
