// SPDX-License-Identifier: GPL-2.0
/*
 * Standard errors of shares. A profile's samples are not independent draws: a
 * service does one thing now and another in a minute, so the binomial error
 * promises too much. The range is cut into equal stretches of time, many
 * windows each, so that what neighbouring windows have in common stays inside
 * one; the share R = X/Y is a ratio of sums over the n stretches that had
 * windows, and
 *
 *	se(R)^2 = n / (n - 1) * sum (x_i - R y_i)^2 / Y^2
 *
 * needs two sums per node. They are made when a stretch ends, by one pass over
 * the paths: the cost is stretches x paths, whatever the number of windows.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "query/feed.h"
#include "query/tree_build.h"

void errors_init(struct builder *b, const struct query_input *in)
{
	struct errors *e = &b->errors;
	uint64_t from = 0, to = 0;

	if (query_extent(b->env, in, b->merge.sel, &from, &to))
		e->from = from;
	e->len = to > from ? (to - from) / ERROR_STRETCHES + 1 : 1;
}

void errors_free(struct errors *e)
{
	free(e->self);
	free(e->total);
	free(e->sums);
	free(e->seen);
	free(e->outer);
	free(e->func_self);
	free(e->func_total);
	free(e->func_self_sums);
	free(e->func_total_sums);
}

static int make_room(struct builder *b, uint32_t paths, uint32_t funcs)
{
	struct errors *e = &b->errors;
	struct budget *g = &b->budget;

	if (BUDGET_ZEROED(g, e->self, e->n_self, e->cap_self, paths) ||
	    BUDGET_ZEROED(g, e->total, e->n_total, e->cap_total, paths) ||
	    BUDGET_ZEROED(g, e->sums, e->n_sums, e->cap_sums, paths) ||
	    BUDGET_ROOM(g, e->seen, e->cap_seen, paths) ||
	    BUDGET_ROOM(g, e->outer, e->cap_outer, paths) ||
	    BUDGET_ZEROED(g, e->func_self, e->n_fs, e->cap_fs, funcs) ||
	    BUDGET_ZEROED(g, e->func_total, e->n_ft, e->cap_ft, funcs) ||
	    BUDGET_ZEROED(g, e->func_self_sums, e->n_fss, e->cap_fss, funcs) ||
	    BUDGET_ZEROED(g, e->func_total_sums, e->n_fts, e->cap_fts, funcs))
		return -ENOMEM;
	return 0;
}

/*
 * Callers looked at: more than a sampled stack has frames. In a deeper one a
 * function may count twice for its own error, never for anything else.
 */
#define LOOK_UP 4096

static uint64_t func_bit(uint32_t func)
{
	return 1ULL << (hash_mix(func, 1) >> 58);
}

/* Is no caller on the path the same function? The bits tell for most paths without a look. */
static bool is_outer(const struct errors *e, const struct paths *p, uint32_t i)
{
	uint32_t func = p->p[i].key, up = p->p[i].parent;

	if (!(e->seen[up] & func_bit(func)))
		return true;
	for (uint32_t depth = 0; up && depth < LOOK_UP; up = p->p[up].parent, depth++)
		if (p->p[up].key == func)
			return false;
	return true;
}

/* What is known of paths that came since the last stretch ended. */
static void learn_paths(struct builder *b)
{
	struct errors *e = &b->errors;
	const struct paths *p = shown_paths(b);

	if (!e->n_seen) {
		e->seen[0] = 0;
		e->outer[0] = true;
		e->n_seen = 1;
	}
	for (; e->n_seen < p->n; e->n_seen++) {
		uint32_t i = e->n_seen;

		e->outer[i] = is_outer(e, p, i);
		e->seen[i] = e->seen[p->p[i].parent] | func_bit(p->p[i].key);
	}
}

static void add_square(struct squares *s, uint64_t x, uint64_t y)
{
	s->xx += (double)x * (double)x;
	s->xy += (double)x * (double)y;
}

static void close_funcs(struct errors *e, uint32_t n)
{
	for (uint32_t f = 0; f < n; f++) {
		add_square(&e->func_self_sums[f], e->func_self[f], e->y);
		add_square(&e->func_total_sums[f], e->func_total[f], e->y);
		e->func_self[f] = e->func_total[f] = 0;
	}
}

static int close_stretch(struct builder *b)
{
	struct errors *e = &b->errors;
	const struct paths *p = shown_paths(b);
	int r = make_room(b, p->n, b->tree->n_funcs);

	if (!r)
		r = budget_check(&b->budget);
	if (r)
		return r;
	learn_paths(b);
	/* children have the larger numbers, so one pass back adds up */
	for (uint32_t i = p->n; i-- > 0;) {
		uint64_t total = e->total[i] + e->self[i];
		uint32_t f = p->p[i].key;

		if (total) {
			add_square(&e->sums[i], total, e->y);
			e->func_self[f] += e->self[i];
			e->func_total[f] += e->outer[i] ? total : 0;
			if (i)
				e->total[p->p[i].parent] += total;
		}
		e->total[i] = e->self[i] = 0;
	}
	close_funcs(e, b->tree->n_funcs);
	e->yy += (double)e->y * (double)e->y;
	e->sum_y += (double)e->y;
	e->y = 0;
	e->n++;
	e->open = false;
	return 0;
}

int errors_window(struct builder *b, const struct window *w)
{
	struct errors *e = &b->errors;
	uint64_t middle = w->wall_start + (w->end - w->start) / 2;
	uint64_t stretch = middle > e->from ? (middle - e->from) / e->len : 0;
	int r = 0;

	if (e->open && stretch != e->stretch)
		r = close_stretch(b);
	e->open = true;
	e->stretch = stretch;
	return r;
}

int errors_add(struct builder *b, uint32_t path, uint64_t value)
{
	struct errors *e = &b->errors;

	if (BUDGET_ZEROED(&b->budget, e->self, e->n_self, e->cap_self, path + 1))
		return -ENOMEM;
	e->self[path] += value;
	e->y += value;
	return 0;
}

/* share of `samples` out of n, whose changes are known by s */
static double error_of(const struct errors *e, const struct squares *s, uint64_t part,
		       uint64_t whole, uint64_t samples, uint64_t n)
{
	double p = n ? (double)samples / (double)n : 0, between = 0, ratio;
	double binomial = n && p < 1 ? sqrt(p * (1 - p) / (double)n) : 0;

	if (e->n >= ERROR_MIN && s && whole && e->sum_y > 0) {
		ratio = (double)part / (double)whole;
		between = s->xx - 2 * ratio * s->xy + ratio * ratio * e->yy;
		/* a difference of large sums: what rounding leaves may be below 0 */
		between = between > 0 ? sqrt(between * e->n / (e->n - 1.0)) / e->sum_y : 0;
	}
	return between > binomial ? between : binomial;
}

struct func_sum {
	uint64_t self, total, self_samples, total_samples;
};

static void func_errors(struct builder *b, struct func_sum *sums)
{
	const struct errors *e = &b->errors;
	struct tree *t = b->tree;
	const struct tree_node *root = &t->nodes[0];

	for (uint32_t i = 0; i < t->n_nodes; i++) {
		const struct tree_node *n = &t->nodes[i];
		struct func_sum *s = &sums[n->func];

		s->self += n->self;
		s->self_samples += n->self_samples;
		s->total += e->outer[i] ? n->total : 0;
		s->total_samples += e->outer[i] ? n->total_samples : 0;
	}
	for (uint32_t f = 0; f < t->n_funcs; f++) {
		t->funcs[f].self_se = error_of(e, &e->func_self_sums[f], sums[f].self, root->total,
					       sums[f].self_samples, root->total_samples);
		t->funcs[f].total_se = error_of(e, &e->func_total_sums[f], sums[f].total,
						root->total, sums[f].total_samples,
						root->total_samples);
	}
}

int errors_finish(struct builder *b)
{
	struct errors *e = &b->errors;
	struct tree *t = b->tree;
	const struct tree_node *root = &t->nodes[0];
	struct func_sum *sums;
	int r = e->open ? close_stretch(b) : 0;

	if (!r)
		r = make_room(b, t->n_nodes, t->n_funcs);
	if (r)
		return r;
	learn_paths(b);
	sums = budget_zalloc(&b->budget, t->n_funcs, sizeof(*sums));
	if (!sums)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->n_nodes; i++) {
		struct tree_node *n = &t->nodes[i];

		n->se = error_of(e, &e->sums[i], n->total, root->total, n->total_samples,
				 root->total_samples);
	}
	func_errors(b, sums);
	free(sums);
	t->stretches = e->n;
	t->errors = true;
	return 0;
}
