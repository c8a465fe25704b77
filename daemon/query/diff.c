// SPDX-License-Identifier: GPL-2.0
/*
 * diff_trees: the functions of both sides onto one list, then the nodes of
 * both onto one trie of (parent, function). Parents stand before their
 * children in a tree, so one pass over each is enough and nothing recurses.
 */
#include "query/diff_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hmap.h"
#include "base/strtab.h"

/* stands for every object that only one side has */
#define ONE_SIDED UINT32_MAX
/* a spread measured from fewer stretches of time says too little of itself */
#define MIN_STRETCHES 8

struct merge {
	struct diff *d;
	struct hmap funcs, nodes;
	uint8_t *sides;		/* by text number of an object: bit 0 a has it, bit 1 b */
	uint32_t *name, *class; /* by function of d: what it is told apart by */
};

static int text(struct diff *d, const char *s, const char **ret, uint32_t *id)
{
	uint32_t n = strtab_add(d->strings, s);

	if (n == UINT32_MAX)
		return -ENOMEM;
	*ret = strtab_get(d->strings, n);
	if (id)
		*id = n;
	return 0;
}

/* Numbers the objects' texts first, so that their numbers are small. */
static int note_objects(struct merge *m, const struct tree *a, const struct tree *b)
{
	const struct tree *const side[2] = { a, b };
	uint32_t max = a->n_funcs + b->n_funcs + 1, id;
	const char *s;

	m->sides = calloc(max, 1);
	if (!m->sides)
		return -ENOMEM;
	for (int k = 0; k < 2; k++) {
		for (uint32_t i = 0; i < side[k]->n_funcs; i++) {
			if (text(m->d, side[k]->funcs[i].object, &s, &id))
				return -ENOMEM;
			m->sides[id] |= (uint8_t)(1 << k);
		}
	}
	return 0;
}

/* The texts of f, owned by the diff. */
static int copy_func(struct diff *d, const struct tree_func *f, struct tree_func *ret)
{
	*ret = *f;
	return text(d, f->name, &ret->name, NULL) ||
			       text(d, f->system_name, &ret->system_name, NULL) ||
			       text(d, f->file, &ret->file, NULL) ||
			       text(d, f->object, &ret->object, NULL)
		       ? -ENOMEM
		       : 0;
}

static int add_func(struct merge *m, uint32_t name, uint32_t class, uint32_t *ret)
{
	struct diff *d = m->d;

	if (hmap_insert(&m->funcs, hash_mix(name, class), d->n_funcs))
		return -ENOMEM;
	m->name[d->n_funcs] = name;
	m->class[d->n_funcs] = class;
	*ret = d->n_funcs++;
	return 0;
}

/* The diff's function for f, made when new. The head comes second and its texts stay. */
static int map_func(struct merge *m, const struct tree_func *f, uint32_t *ret)
{
	uint32_t name, object, class, i;
	const char *s;

	if (text(m->d, f->name, &s, &name) || text(m->d, f->object, &s, &object))
		return -ENOMEM;
	class = m->sides[object] == 3 ? object : ONE_SIDED;
	*ret = UINT32_MAX;
	HMAP_FOR_EACH (&m->funcs, hash_mix(name, class), it, i)
		if (m->name[i] == name && m->class[i] == class)
			*ret = i;
	if (*ret == UINT32_MAX && add_func(m, name, class, ret))
		return -ENOMEM;
	return copy_func(m->d, f, &m->d->funcs[*ret].f);
}

/* Was the spread between stretches of time measured? With fewer it is the binomial one. */
static bool measured(const struct tree *t)
{
	return t->errors && t->stretches >= MIN_STRETCHES;
}

static void keep_larger(double *to, double from)
{
	if (from > *to)
		*to = from;
}

static int map_funcs(struct merge *m, const struct tree *t, bool is_b, uint32_t **ret)
{
	uint32_t *map = calloc((size_t)t->n_funcs + 1, sizeof(*map));
	int r = map ? 0 : -ENOMEM;

	for (uint32_t i = 0; !r && i < t->n_funcs; i++) {
		struct diff_func *f;

		r = map_func(m, &t->funcs[i], &map[i]);
		f = &m->d->funcs[map[i]];
		if (!r && measured(t)) {
			keep_larger(is_b ? &f->b_se : &f->a_se, t->funcs[i].total_se);
			keep_larger(is_b ? &f->b_self_se : &f->a_self_se, t->funcs[i].self_se);
		}
	}
	*ret = map;
	return r;
}

/* The child of `parent` for that function, made when new. */
static int child_of(struct merge *m, uint32_t parent, uint32_t func, uint32_t *ret)
{
	struct diff *d = m->d;
	uint32_t i;

	HMAP_FOR_EACH (&m->nodes, hash_mix(parent, func), it, i) {
		if (d->nodes[i].parent == parent && d->nodes[i].func == func) {
			*ret = i;
			return 0;
		}
	}
	if (hmap_insert(&m->nodes, hash_mix(parent, func), d->n_nodes))
		return -ENOMEM;
	d->nodes[d->n_nodes] = (struct diff_node){ .parent = parent, .func = func };
	*ret = d->n_nodes++;
	return 0;
}

static void add_values(struct diff_node *to, const struct tree_node *from, double se, bool is_b)
{
	*(is_b ? &to->b_self : &to->a_self) += from->self;
	*(is_b ? &to->b_total : &to->a_total) += from->total;
	*(is_b ? &to->b_samples : &to->a_samples) += from->total_samples;
	*(is_b ? &to->b_self_samples : &to->a_self_samples) += from->self_samples;
	keep_larger(is_b ? &to->b_se : &to->a_se, se);
}

static int add_nodes(struct merge *m, const struct tree *t, const uint32_t *funcs, bool is_b)
{
	cleanup_free uint32_t *map = calloc(t->n_nodes, sizeof(*map));
	int r = map ? 0 : -ENOMEM;

	for (uint32_t i = 0; !r && i < t->n_nodes; i++) {
		const struct tree_node *n = &t->nodes[i];

		if (i)
			r = child_of(m, map[n->parent], funcs[n->func], &map[i]);
		if (!r)
			add_values(&m->d->nodes[map[i]], n, measured(t) ? n->se : 0, is_b);
	}
	return r;
}

static void fill_side(struct diff_side *s, const struct tree *t, enum diff_mode mode, double work)
{
	*s = (struct diff_side){
		.total = t->total,
		.samples = t->samples,
		.lost = t->lost,
		.lost_samples = t->lost_samples,
		.truncated = t->truncated,
		.wall_from = t->wall_from,
		.wall_to = t->wall_to,
		.duration = t->duration,
		.period = t->period,
		.cpus = t->cpus,
		.windows = t->windows,
		.other_hosts = t->used.other_hosts,
		.df = measured(t) ? t->stretches - 1 : 0,
	};
	if (mode == DIFF_WORK)
		s->per = work;
	else if (mode == DIFF_SHARE)
		s->per = (double)t->total;
	else /* ns a ns are cores; samples are told by the second */
		s->per = (double)t->duration / (t->in_samples ? 1e9 : 1);
	/* a side without anything has no shares: any divisor does */
	if (!(s->per > 0))
		s->per = 1;
}

static int merge_trees(struct merge *m, const struct tree *a, const struct tree *b)
{
	cleanup_free uint32_t *fa = NULL, *fb = NULL;
	size_t funcs = (size_t)a->n_funcs + b->n_funcs, nodes = (size_t)a->n_nodes + b->n_nodes;
	struct diff *d = m->d;
	int r;

	d->funcs = calloc(funcs + 1, sizeof(*d->funcs));
	d->nodes = calloc(nodes + 1, sizeof(*d->nodes));
	m->name = calloc(funcs + 1, sizeof(*m->name));
	m->class = calloc(funcs + 1, sizeof(*m->class));
	if (!d->funcs || !d->nodes || !m->name || !m->class || funcs + nodes >= HMAP_DEAD)
		return -ENOMEM;
	r = note_objects(m, a, b);
	if (!r)
		r = map_funcs(m, a, false, &fa);
	if (!r)
		r = map_funcs(m, b, true, &fb);
	if (r)
		return r;
	d->n_nodes = 1; /* both roots */
	d->nodes[0].func = fb[b->nodes[0].func];
	r = add_nodes(m, a, fa, false);
	return r ? r : add_nodes(m, b, fb, true);
}

static int build(struct diff *d, const struct tree *a, const struct tree *b)
{
	struct merge m = { .d = d };
	int r = merge_trees(&m, a, b);

	free(m.sides);
	free(m.name);
	free(m.class);
	hmap_free(&m.funcs);
	hmap_free(&m.nodes);
	if (r)
		return r;
	diff_node_errors(d);
	return diff_link(d);
}

int diff_trees(const struct tree *a, const struct tree *b, const struct diff_scale *scale,
	       struct diff **ret)
{
	struct diff *d;
	int r = -ENOMEM;

	if (a->in_samples != b->in_samples ||
	    (scale->mode == DIFF_WORK && !(scale->a_work > 0 && scale->b_work > 0)))
		return -EINVAL;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->mode = scale->mode;
	d->confidence = scale->confidence > 0 ? scale->confidence : 0.99;
	d->in_samples = a->in_samples;
	snprintf(d->type, sizeof(d->type), "%s", d->in_samples ? "samples" : "cpu");
	snprintf(d->unit, sizeof(d->unit), "%s", d->in_samples ? "count" : "nanoseconds");
	fill_side(&d->a, a, d->mode, scale->a_work);
	fill_side(&d->b, b, d->mode, scale->b_work);
	d->strings = strtab_new();
	if (d->strings)
		r = build(d, a, b);
	if (r)
		diff_free(d);
	else
		*ret = d;
	return r;
}

void diff_free(struct diff *d)
{
	if (!d)
		return;
	free(d->nodes);
	free(d->funcs);
	strtab_free(d->strings);
	free(d);
}

enum diff_mode diff_mode_for(const struct tree *a, const struct tree *b, bool is_time)
{
	return is_time && a->duration && b->duration ? DIFF_RATE : DIFF_SHARE;
}

bool diff_counts_time(const struct diff *d)
{
	return !strcmp(d->unit, "nanoseconds");
}

const char *diff_unit_name(const struct diff *d)
{
	if (d->mode == DIFF_SHARE)
		return "share";
	if (d->mode == DIFF_WORK)
		return "per unit of work";
	return diff_counts_time(d) && !strcmp(d->type, "cpu") ? "cores" : "per second";
}

bool diff_read_work(const char *s, double *ret)
{
	char *end = NULL;

	*ret = s && *s ? strtod(s, &end) : 0;
	return end && !*end && *ret >= 1e-100 && *ret <= 1e100;
}
