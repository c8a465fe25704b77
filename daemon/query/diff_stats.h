/* SPDX-License-Identifier: GPL-2.0 */
/* The few distributions that comparing needs. Pure functions. */
#ifndef RINGPROF_QUERY_DIFF_STATS_H
#define RINGPROF_QUERY_DIFF_STATS_H

/* P(Z > z) of the normal distribution, and the z of a p in (0, 1). */
double stat_normal_above(double z);
double stat_normal_quantile_above(double p);
/* P(T > t) of Student's distribution with df degrees of freedom, and its t. */
double stat_t_above(double t, double df);
double stat_t_quantile_above(double p, double df);
/* Regularized incomplete beta function I_x(a, b); a, b above 0, x in [0, 1]. */
double stat_beta(double x, double a, double b);

/*
 * P that, of a + b events, b or more fall on the side that is expected to get
 * the part p of them: how surprising growth is. a, b at least 0, not whole
 * numbers where they were divided by a dispersion.
 */
double stat_growth_p(double a, double b, double p);

#endif
