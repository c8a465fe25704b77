/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the comparison share. Nobody else includes this. */
#ifndef RINGPROF_QUERY_DIFF_INT_H
#define RINGPROF_QUERY_DIFF_INT_H

#include "query/diff.h"

/* Chains all children, the larger share of the two sides first; 0 or -ENOMEM. */
int diff_link(struct diff *d);

/* A value of one side with its error. */
struct diff_value {
	uint64_t value, samples;
	double share_se; /* measured, 0: not */
};
/* Variance over that of independent samples, at least 1. */
double diff_phi(const struct diff_side *s, const struct diff_value *v);
/* Variance of the value in the compared unit. */
double diff_variance(const struct diff *d, const struct diff_side *s, const struct diff_value *v);
/*
 * Is the change from a to b beyond the error? *se: its standard error. limit:
 * diff_limit's, of independent samples and measured.
 */
bool diff_judge(const struct diff *d, const double limit[2], const struct diff_value *a,
		const struct diff_value *b, double *se);
/* Fills se and significant of all nodes. */
void diff_node_errors(struct diff *d);

#endif
