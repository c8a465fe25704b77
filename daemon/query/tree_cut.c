// SPDX-License-Identifier: GPL-2.0
/*
 * Order and size of a tree. A node is never heavier than its parent and has
 * the larger number, so "the n heaviest, then the lowest numbers" is a set
 * that holds the ancestors of all its members: no walk is needed to cut.
 */
#include "query/tree.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct weighed {
	uint64_t total;
	uint32_t node;
};

/* One pass of the radix sort, by byte `shift`; false: that byte is the same in all, nothing done. */
static bool sort_pass(const struct weighed *from, struct weighed *to, uint32_t n,
		      unsigned int shift)
{
	uint32_t place[256] = { 0 }, at = 0;

	for (uint32_t i = 0; i < n; i++)
		place[from[i].total >> shift & 0xff]++;
	if (place[from[0].total >> shift & 0xff] == n)
		return false;
	for (unsigned int v = 0; v < 256; v++) {
		uint32_t count = place[v];

		place[v] = at;
		at += count;
	}
	for (uint32_t i = 0; i < n; i++)
		to[place[from[i].total >> shift & 0xff]++] = from[i];
	return true;
}

/*
 * The nodes, lightest first, of equal ones the highest number first. w has
 * room for twice n_nodes; gives the half that holds the result. Stable radix
 * sort: a million nodes in some tens of ms, where qsort takes a quarter second.
 */
static struct weighed *weigh(const struct tree *t, struct weighed *w)
{
	uint32_t n = t->n_nodes;
	struct weighed *from = w, *to = w + n;

	for (uint32_t i = 0; i < n; i++)
		w[i] = (struct weighed){ .total = t->nodes[n - 1 - i].total, .node = n - 1 - i };
	for (unsigned int shift = 0; shift < 64; shift += 8) {
		if (sort_pass(from, to, n, shift)) {
			struct weighed *swap = from;

			from = to;
			to = swap;
		}
	}
	return from;
}

static void link_nodes(struct tree *t, struct weighed *room)
{
	struct weighed *w = weigh(t, room);

	for (uint32_t i = 0; i < t->n_nodes; i++)
		t->nodes[i].first_child = t->nodes[i].next = 0;
	/* each is put in front: the heaviest comes last, so first */
	for (uint32_t i = 0; i < t->n_nodes; i++) {
		struct tree_node *n = &t->nodes[w[i].node];

		if (!w[i].node)
			continue;
		n->next = t->nodes[n->parent].first_child;
		t->nodes[n->parent].first_child = w[i].node;
	}
}

static struct weighed *weigh_room(uint64_t nodes)
{
	return malloc((size_t)nodes * 2 * sizeof(struct weighed));
}

int tree_link(struct tree *t)
{
	cleanup_free struct weighed *room = weigh_room(t->n_nodes);

	if (!room)
		return -ENOMEM;
	link_nodes(t, room);
	return 0;
}

static int other_func(struct tree *t, uint32_t *ret)
{
	struct tree_func *f = realloc(t->funcs, ((size_t)t->n_funcs + 1) * sizeof(*f));
	uint32_t name;

	if (!f)
		return -ENOMEM;
	t->funcs = f;
	name = strtab_add(t->strings, "(other)");
	if (name == UINT32_MAX)
		return -ENOMEM;
	f[t->n_funcs] = (struct tree_func){
		.name = strtab_get(t->strings, name),
		.system_name = strtab_get(t->strings, name),
		.file = "",
		.object = "",
		.kind = FRAME_MARK,
	};
	*ret = t->n_funcs++;
	return 0;
}

/* id[i]: the number a node will have, UINT32_MAX: cut. */
static void choose(const struct tree *t, uint32_t keep, struct weighed *room, uint32_t *id)
{
	const struct weighed *w = weigh(t, room);
	uint32_t n = 0;

	memset(id, 0, (size_t)t->n_nodes * sizeof(*id));
	for (uint32_t i = 0; i < t->n_nodes - keep; i++)
		id[w[i].node] = UINT32_MAX;
	for (uint32_t i = 0; i < t->n_nodes; i++)
		if (id[i] != UINT32_MAX)
			id[i] = n++;
}

/* The place of p's "(other)": made at the first cut child. other[] is by new number, 0 none. */
static struct tree_node *other_of(struct tree_node *nodes, uint32_t *n, uint32_t *other, uint32_t p,
				  uint32_t func)
{
	if (!other[p]) {
		other[p] = (*n)++;
		nodes[other[p]] = (struct tree_node){ .parent = p, .func = func };
	}
	return &nodes[other[p]];
}

static void compact(struct tree *t, const uint32_t *id, struct tree_node *nodes, uint32_t keep,
		    uint32_t *other, uint32_t func)
{
	uint32_t n = keep;

	for (uint32_t i = 0; i < t->n_nodes; i++) {
		const struct tree_node *from = &t->nodes[i];
		uint32_t up = id[from->parent];

		if (id[i] != UINT32_MAX) {
			nodes[id[i]] = *from;
			nodes[id[i]].parent = up;
		} else if (up != UINT32_MAX) {
			struct tree_node *o = other_of(nodes, &n, other, up, func);

			o->self += from->total;
			o->self_samples += from->total_samples;
			o->total = o->self;
			o->total_samples = o->self_samples;
		}
	}
	free(t->nodes);
	t->nodes = nodes;
	t->n_nodes = n;
}

/* How the parts of an "(other)" change together is not known any more. */
static void other_errors(struct tree *t, uint32_t keep)
{
	double n = (double)t->nodes[0].total_samples;

	for (uint32_t i = keep; i < t->n_nodes && n > 0; i++) {
		double p = (double)t->nodes[i].total_samples / n;

		t->nodes[i].se = p < 1 ? sqrt(p * (1 - p) / n) : 0;
	}
}

int tree_cut(struct tree *t, uint32_t max_nodes)
{
	cleanup_free uint32_t *id = NULL, *other = NULL;
	cleanup_free struct weighed *room = NULL;
	struct tree_node *nodes;
	uint32_t func;
	int r;

	if (!max_nodes || t->n_nodes <= max_nodes)
		return 0;
	/* at most one "(other)" for each node that is kept: the cut tree may have 2 * max_nodes */
	room = weigh_room((uint64_t)t->n_nodes + max_nodes);
	id = malloc((size_t)t->n_nodes * sizeof(*id));
	other = calloc(max_nodes, sizeof(*other));
	nodes = malloc((size_t)max_nodes * 2 * sizeof(*nodes));
	r = room && id && other && nodes ? other_func(t, &func) : -ENOMEM;
	if (r) {
		free(nodes);
		return r;
	}
	choose(t, max_nodes, room, id);
	compact(t, id, nodes, max_nodes, other, func);
	if (t->errors)
		other_errors(t, max_nodes);
	link_nodes(t, room);
	return 0;
}
