// SPDX-License-Identifier: GPL-2.0
/*
 * Functions of a differential tree with their growth. A function that calls
 * itself stands on a stack several times; only its outermost node counts for
 * the total, which a pre-order walk knows by counting how often each is open.
 */
#include "query/diff_int.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"

static void enter(const struct diff_node *n, struct diff_row *row, uint32_t *open)
{
	row->a_self += n->a_self;
	row->b_self += n->b_self;
	row->a_self_samples += n->a_self_samples;
	row->b_self_samples += n->b_self_samples;
	if (open[n->func]++)
		return;
	row->a_total += n->a_total;
	row->b_total += n->b_total;
	row->a_samples += n->a_samples;
	row->b_samples += n->b_samples;
}

static void add_up(const struct diff *d, struct diff_row *rows, uint32_t *open)
{
	uint32_t i = d->nodes[0].first_child;

	while (i) {
		enter(&d->nodes[i], &rows[d->nodes[i].func], open);
		if (d->nodes[i].first_child) {
			i = d->nodes[i].first_child;
			continue;
		}
		while (i && !d->nodes[i].next) {
			open[d->nodes[i].func]--;
			i = d->nodes[i].parent;
		}
		if (i) {
			open[d->nodes[i].func]--;
			i = d->nodes[i].next;
		}
	}
}

/* limit: of independent samples, and where the spread was measured */
static void compare(const struct diff *d, const double limit[2], struct diff_row *r)
{
	const struct diff_func *f = &d->funcs[r->func];
	struct diff_value a = { r->a_total, r->a_samples, f->a_se };
	struct diff_value b = { r->b_total, r->b_samples, f->b_se };
	struct diff_value a_self = { r->a_self, r->a_self_samples, f->a_self_se };
	struct diff_value b_self = { r->b_self, r->b_self_samples, f->b_self_se };

	r->a_phi = diff_phi(&d->a, &a);
	r->b_phi = diff_phi(&d->b, &b);
	r->a = (double)r->a_total / d->a.per;
	r->b = (double)r->b_total / d->b.per;
	r->delta = r->b - r->a;
	r->self_delta = (double)r->b_self / d->b.per - (double)r->a_self / d->a.per;
	r->significant = diff_judge(d, limit, &a, &b, &r->se);
	r->self_significant = diff_judge(d, limit, &a_self, &b_self, &r->self_se);
}

static int by_delta(const void *pa, const void *pb)
{
	const struct diff_row *a = pa, *b = pb;
	double x = fabs(a->delta), y = fabs(b->delta);

	if (x != y)
		return x > y ? -1 : 1;
	return a->func < b->func ? -1 : a->func > b->func;
}

int diff_rows(const struct diff *d, struct diff_row **ret, uint32_t *n)
{
	const double limit[2] = { diff_limit(d, false), diff_limit(d, true) };
	struct diff_row *rows = calloc((size_t)d->n_funcs + 1, sizeof(*rows));
	cleanup_free uint32_t *open = calloc((size_t)d->n_funcs + 1, sizeof(*open));

	if (!rows || !open) {
		free(rows);
		return -ENOMEM;
	}
	add_up(d, rows, open);
	*n = 0;
	for (uint32_t i = 0; i < d->n_funcs; i++) {
		rows[i].func = i;
		if (!rows[i].a_total && !rows[i].b_total)
			continue; /* the root, or one that a cut left without a node */
		compare(d, limit, &rows[i]);
		rows[(*n)++] = rows[i];
	}
	qsort(rows, *n, sizeof(*rows), by_delta);
	*ret = rows;
	return 0;
}

void diff_whole(const struct diff *d, struct diff_row *ret)
{
	const double limit[2] = { diff_limit(d, false), diff_limit(d, true) };
	struct diff_value a = { d->a.total, d->a.samples, 0 }, b = { d->b.total, d->b.samples, 0 };

	*ret = (struct diff_row){ .func = UINT32_MAX,
				  .a_total = d->a.total,
				  .b_total = d->b.total,
				  .a_samples = d->a.samples,
				  .b_samples = d->b.samples,
				  .a_phi = 1,
				  .b_phi = 1,
				  .a = (double)d->a.total / d->a.per,
				  .b = (double)d->b.total / d->b.per };
	if (d->mode == DIFF_SHARE)
		return;
	ret->delta = ret->b - ret->a;
	ret->significant = diff_judge(d, limit, &a, &b, &ret->se);
}
