// SPDX-License-Identifier: GPL-2.0
/*
 * How sure a difference is. Independent samples spread as a binomial does; a
 * process's samples are not independent (it does one thing for a while, then
 * another), so where the trees have measured how shares change from stretch to
 * stretch, that spread counts, and Student's distribution instead of the
 * normal one, because it was measured from few stretches.
 */
#include "query/diff_int.h"

#include <math.h>
#include <stdlib.h>

#include "query/diff_stats.h"

/* Variance of a share of independent samples; never less than that of a single one. */
static double share_variance(const struct diff_side *s, uint64_t value)
{
	double n = (double)s->samples, p = s->total ? (double)value / (double)s->total : 0;
	double v = p < 1 ? p * (1 - p) : 0;

	if (!s->samples)
		return 1;
	return v / n > 1 / (n * n) ? v / n : 1 / (n * n);
}

double diff_phi(const struct diff_side *s, const struct diff_value *v)
{
	double binomial = share_variance(s, v->value), measured = v->share_se * v->share_se;

	/* one that was not measured is the root of the binomial one, whose square may be an ulp more */
	return measured > binomial * (1 + 1e-6) ? measured / binomial : 1;
}

double diff_variance(const struct diff *d, const struct diff_side *s, const struct diff_value *v)
{
	double phi = diff_phi(s, v), one, count;

	if (d->mode == DIFF_SHARE)
		return phi * share_variance(s, v->value);
	/* what one sample of it weighs; of nothing seen, a sample of the side */
	if (v->samples)
		one = (double)v->value / (double)v->samples;
	else
		one = s->samples ? (double)s->total / (double)s->samples : 0;
	count = v->samples ? (double)v->samples : 1;
	return phi * count * one * one / (s->per * s->per);
}

double diff_limit(const struct diff *d, bool measured)
{
	double p = (1 - d->confidence) / 2;
	uint32_t df = d->a.df && d->b.df ? (d->a.df < d->b.df ? d->a.df : d->b.df)
					 : d->a.df + d->b.df;

	return measured && df ? stat_t_quantile_above(p, df) : stat_normal_quantile_above(p);
}

bool diff_judge(const struct diff *d, const double limit[2], const struct diff_value *a,
		const struct diff_value *b, double *se)
{
	double delta = (double)b->value / d->b.per - (double)a->value / d->a.per;
	bool measured = diff_phi(&d->a, a) > 1 || diff_phi(&d->b, b) > 1;

	*se = sqrt(diff_variance(d, &d->a, a) + diff_variance(d, &d->b, b));
	return fabs(delta) > limit[measured] * *se;
}

void diff_node_errors(struct diff *d)
{
	const double limit[2] = { diff_limit(d, false), diff_limit(d, true) };

	for (uint32_t i = 0; i < d->n_nodes; i++) {
		struct diff_node *n = &d->nodes[i];
		struct diff_value a = { n->a_total, n->a_samples, n->a_se };
		struct diff_value b = { n->b_total, n->b_samples, n->b_se };

		n->significant = diff_judge(d, limit, &a, &b, &n->se);
	}
}

double diff_ratio(double a, double b)
{
	if (a > 0)
		return b / a - 1;
	return b > 0 ? HUGE_VAL : 0;
}
