// SPDX-License-Identifier: GPL-2.0
/*
 * The gate. Small functions have few samples, where the normal distribution
 * promises too much: growth of a rate is tested by how the samples of both
 * sides fall on the two (a binomial given their sum), which is exact for
 * counts of any size. Where the spread was measured, counts are divided by it
 * and the tail is Student's.
 */
#include "query/diff_gate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "query/diff_int.h"
#include "query/diff_stats.h"

#define FEW	      30   /* counts below are not normal */
#define DEFAULT_BOUND 0.02 /* what must be seen when no growth at all is allowed */

/* What a single sample of a row is worth in the compared unit; spread makes it worth more. */
static double sample_value(const struct diff_side *s, uint64_t value, uint64_t samples, double phi)
{
	double one = 0;

	if (samples)
		one = (double)value / (double)samples;
	else if (s->samples)
		one = (double)s->total / (double)s->samples;
	return one * phi / s->per;
}

static double counted_p(const struct diff *d, const struct diff_row *r, double allowed)
{
	double one_a = sample_value(&d->a, r->a_total, r->a_samples, r->a_phi);
	double one_b = sample_value(&d->b, r->b_total, r->b_samples, r->b_phi);
	double k = one_b > 0 ? allowed * one_a / one_b : 0;

	return stat_growth_p((double)r->a_samples / r->a_phi, (double)r->b_samples / r->b_phi,
			     k / (1 + k));
}

static double share_p(const struct diff *d, const struct diff_row *r, double allowed)
{
	const struct diff_func *f = &d->funcs[r->func];
	struct diff_value a = { r->a_total, r->a_samples, f->a_se };
	struct diff_value b = { r->b_total, r->b_samples, f->b_se };
	double variance =
		diff_variance(d, &d->b, &b) + allowed * allowed * diff_variance(d, &d->a, &a);
	double p = stat_normal_above((r->b - allowed * r->a) / sqrt(variance));

	if ((double)r->a_samples / r->a_phi >= FEW && (double)r->b_samples / r->b_phi >= FEW)
		return p;
	return fmax(p, counted_p(d, r, allowed));
}

/* A normal tail, of errors that were measured from a number of stretches. */
static double students(const struct diff *d, const struct diff_row *r, double p)
{
	double df = HUGE_VAL;

	if (r->a_phi > 1 && d->a.df)
		df = d->a.df;
	if (r->b_phi > 1 && d->b.df < df && d->b.df)
		df = d->b.df;
	return isinf(df) ? p : stat_t_above(stat_normal_quantile_above(p), df);
}

static double growth_p(const struct diff *d, const struct gate_limits *lim,
		       const struct gate_row *whole, const struct diff_row *r)
{
	double allowed = 1 + lim->max_regress;
	double all = d->mode == DIFF_SHARE ? 1 : whole->r.a;

	if (lim->points)
		allowed = r->a > 0 ? 1 + lim->max_regress * all / r->a : HUGE_VAL;
	if (!r->a_samples || !(r->a > 0) || isinf(allowed))
		return 1;
	return students(d, r,
			d->mode == DIFF_SHARE && r->func != UINT32_MAX ? share_p(d, r, allowed)
								       : counted_p(d, r, allowed));
}

static void judge_whole(const struct diff *d, const struct gate_limits *lim, struct gate_row *w)
{
	struct diff_row *r = &w->r;

	diff_whole(d, r);
	w->p = d->mode == DIFF_SHARE ? 1 : growth_p(d, lim, w, r);
	w->state = GATE_SAME;
	if (r->significant)
		w->state = r->delta > 0 ? GATE_GREW : GATE_FELL;
}

static bool is_tested(const struct diff *d, const struct gate_limits *lim, const struct diff_row *r)
{
	double a = d->a.total ? (double)r->a_total / (double)d->a.total : 0;
	double b = d->b.total ? (double)r->b_total / (double)d->b.total : 0;

	/*
	 * By the sum, which says nothing of the growth: were it the larger one,
	 * chance would choose what is tested. Marks are what could not be seen.
	 */
	return d->funcs[r->func].f.kind != FRAME_MARK && a + b >= lim->min_share;
}

/* What a tested row is when it is not beyond; alpha: of a change in either direction. */
static enum gate_state state_of(const struct diff *d, const struct diff_row *r, double alpha)
{
	double p = 2 * students(d, r, stat_normal_above(fabs(r->delta) / r->se));

	if (p > alpha)
		return GATE_SAME;
	if (!r->a_samples || !r->b_samples)
		return r->a_samples ? GATE_GONE : GATE_NEW;
	return r->delta > 0 ? GATE_GREW : GATE_FELL;
}

static int by_p(const void *pa, const void *pb)
{
	const struct gate_row *a = pa, *b = pb;

	if (a->p != b->p)
		return a->p < b->p ? -1 : 1;
	return a->r.func < b->r.func ? -1 : a->r.func > b->r.func;
}

static int rank(enum gate_state s)
{
	static const int order[] = {
		[GATE_BEYOND] = 0, [GATE_NEW] = 1,  [GATE_GREW] = 2, [GATE_FELL] = 3,
		[GATE_GONE] = 4,   [GATE_SAME] = 5, [GATE_SMALL] = 6
	};

	return order[s];
}

/* Growth of its own first: callers of what got slower grow, too, by what they call. */
static int for_people(const void *pa, const void *pb)
{
	const struct gate_row *a = pa, *b = pb;
	double x = a->r.self_delta, y = b->r.self_delta;

	if (a->state != b->state)
		return rank(a->state) < rank(b->state) ? -1 : 1;
	if (a->state == GATE_FELL) {
		x = -x;
		y = -y;
	} else if (a->state == GATE_SAME || a->state == GATE_SMALL) {
		x = fabs(a->r.delta);
		y = fabs(b->r.delta);
	}
	if (x != y)
		return x > y ? -1 : 1;
	return a->r.func < b->r.func ? -1 : a->r.func > b->r.func;
}

/* Holm: the smallest p against alpha / n, the next against alpha / (n - 1), ... */
static void judge_rows(const struct diff *d, struct gate *g, double alpha)
{
	bool going = true;

	qsort(g->rows, g->n_rows, sizeof(*g->rows), by_p);
	for (uint32_t i = 0; i < g->n_rows; i++) {
		struct gate_row *row = &g->rows[i];

		if (row->state == GATE_SMALL)
			continue;
		going = going && row->p <= alpha / (g->n_tested - g->n_beyond);
		row->state = going ? GATE_BEYOND : state_of(d, &row->r, alpha / g->n_tested);
		g->n_beyond += going;
	}
	qsort(g->rows, g->n_rows, sizeof(*g->rows), for_people);
}

static int make_rows(const struct diff *d, const struct gate_limits *lim, struct gate *g)
{
	struct diff_row *rows;
	int r = diff_rows(d, &rows, &g->n_rows);

	if (r)
		return r;
	g->rows = calloc((size_t)g->n_rows + 1, sizeof(*g->rows));
	for (uint32_t i = 0; g->rows && i < g->n_rows; i++) {
		bool tested = is_tested(d, lim, &rows[i]);

		g->rows[i] =
			(struct gate_row){ .r = rows[i],
					   .p = tested ? growth_p(d, lim, &g->whole, &rows[i]) : 1,
					   .state = tested ? GATE_SAME : GATE_SMALL };
		g->n_tested += tested;
	}
	free(rows);
	return g->rows ? 0 : -ENOMEM;
}

static void resolve_whole(const struct diff *d, const struct gate_limits *lim, struct gate *g,
			  double alpha)
{
	double z = stat_normal_quantile_above(alpha), a = (double)d->a.samples,
	       b = (double)d->b.samples;

	g->bound = lim->max_regress > 0 ? lim->max_regress : DEFAULT_BOUND;
	g->resolution = a > 0 && b > 0 ? z * sqrt(1 / a + 1 / b) : HUGE_VAL;
	g->need = (uint64_t)ceil(2 * z * z / (g->bound * g->bound));
}

int gate_judge(const struct diff *d, const struct gate_limits *lim, struct gate **ret)
{
	struct gate *g = calloc(1, sizeof(*g));
	double alpha = 1 - lim->confidence, whole = d->mode == DIFF_SHARE ? 0 : alpha / 2;
	int r;

	if (!g)
		return -ENOMEM;
	judge_whole(d, lim, &g->whole);
	r = make_rows(d, lim, g);
	if (r) {
		gate_free(g);
		return r;
	}
	if (g->whole.p <= whole)
		g->whole.state = GATE_BEYOND;
	judge_rows(d, g, alpha - whole);
	resolve_whole(d, lim, g, alpha - whole);
	if (g->n_beyond || g->whole.state == GATE_BEYOND)
		g->verdict = GATE_REGRESSED;
	else
		g->verdict = g->resolution <= g->bound ? GATE_FINE : GATE_INCONCLUSIVE;
	*ret = g;
	return 0;
}

void gate_free(struct gate *g)
{
	if (!g)
		return;
	free(g->rows);
	free(g);
}
