// SPDX-License-Identifier: GPL-2.0
/*
 * Tails, not values near one half: a gate looks at probabilities of 1e-5, so
 * everything is computed as the tail itself.
 */
#include "query/diff_stats.h"

#include <math.h>

#define MAX_TERMS 1000
#define MANY	  200000

double stat_normal_above(double z)
{
	return 0.5 * erfc(z / M_SQRT2);
}

/* The t where the falling function above(t) is p, by bisection: a few us, asked for rarely. */
static double find(double p, double df, double (*above)(double t, double df))
{
	double low = -40, high = 40;

	while (df > 0 && above(high, df) > p && high < 1e9)
		high *= 2;
	while (df > 0 && above(low, df) < p && low > -1e9)
		low *= 2;
	for (int i = 0; i < 200; i++) {
		double mid = (low + high) / 2;

		if (above(mid, df) > p)
			low = mid;
		else
			high = mid;
	}
	return (low + high) / 2;
}

static double normal(double z, double df)
{
	return stat_normal_above(z);
}

double stat_normal_quantile_above(double p)
{
	return find(p, 0, normal);
}

/* Keeps a denominator away from 0 (Lentz). */
static double away(double v)
{
	return fabs(v) < 1e-300 ? 1e-300 : v;
}

/* The continued fraction of I_x(a, b), which converges fast for x below the mean. */
static double fraction(double x, double a, double b)
{
	double c = 1, d = 1 / away(1 - (a + b) * x / (a + 1)), h = d;

	for (int m = 1; m <= MAX_TERMS; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double step;

		d = 1 / away(1 + even * d);
		c = away(1 + even / c);
		h *= d * c;
		d = 1 / away(1 + odd * d);
		c = away(1 + odd / c);
		step = d * c;
		h *= step;
		if (fabs(step - 1) < 1e-12)
			break;
	}
	return h;
}

/* lgamma alone writes its sign where all threads see it */
static double log_gamma(double v)
{
	int sign;

	return lgamma_r(v, &sign);
}

double stat_beta(double x, double a, double b)
{
	double front;

	if (x <= 0 || x >= 1)
		return x <= 0 ? 0 : 1;
	front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * fraction(x, a, b) / a;
	return 1 - front * fraction(1 - x, b, a) / b;
}

double stat_t_above(double t, double df)
{
	double tail = 0.5 * stat_beta(df / (df + t * t), df / 2, 0.5);

	return t >= 0 ? tail : 1 - tail;
}

double stat_t_quantile_above(double p, double df)
{
	return find(p, df, stat_t_above);
}

double stat_growth_p(double a, double b, double p)
{
	double n = a + b;

	if (b <= 0)
		return 1;
	/* the fraction takes sqrt(n) terms; the normal tail is as good by then */
	if (n > MANY)
		return stat_normal_above((b - 0.5 - n * p) / sqrt(n * p * (1 - p)));
	return stat_beta(p, b, a + 1);
}
