/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two trees -> one differential tree, a table of functions, and a verdict.
 * Side a is the base, b the head: growth is b over a.
 *
 * Takes finished trees of any source (history, pprof files) and asks nobody
 * else; pure functions, any thread. Never cuts or rounds what it adds up: the
 * a_* and b_* of a diff are its sides' own, exactly.
 */
#ifndef RINGPROF_QUERY_DIFF_H
#define RINGPROF_QUERY_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "query/query.h"

/*
 * What is compared. Rate: value per time; of CPU time that is cores. Work:
 * value per unit of work (requests, builds), whose number the caller knows.
 * Share: of its side's total; says nothing of the whole having grown.
 */
enum diff_mode { DIFF_RATE, DIFF_WORK, DIFF_SHARE };

struct diff_scale {
	enum diff_mode mode;
	double a_work, b_work; /* DIFF_WORK: units of work on each side, above 0 */
	double confidence;     /* of "significant", two-sided; 0: 0.99 */
};

/* Node 0 is the root. Children are chained by next, the larger side's weight first. */
struct diff_node {
	uint32_t parent, first_child, next, func;
	uint64_t a_self, a_total, b_self, b_total; /* in the trees' unit */
	uint64_t a_samples, b_samples;		   /* behind the totals */
	uint64_t a_self_samples, b_self_samples;
	double a_se, b_se; /* measured error of the share of its side's root, 0: not measured */
	double se;	   /* of (b - a), in the compared unit */
	bool significant;
};

struct diff_side {
	uint64_t total, samples; /* losses not included */
	uint64_t lost, lost_samples, truncated;
	uint64_t wall_from, wall_to, duration, period; /* ns; 0 not known */
	uint32_t cpus, windows;
	uint32_t other_hosts; /* with imported windows in the range, left out: store_used */
	uint32_t df;	      /* degrees of freedom of the measured errors, 0: none are */
	double per;	      /* value / per is in the compared unit; above 0 */
};

/*
 * Functions of both sides. The same object is the same path; objects that
 * only one side has (a program built twice into different places, a file
 * without mappings) count as one, so their functions meet by name.
 */
struct diff_func {
	struct tree_func f; /* the head's where both have it; texts live as long as the diff */
	double a_se, b_se;  /* as a node's, of the totals */
	double a_self_se, b_self_se;
};

struct diff {
	struct diff_node *nodes;
	struct diff_func *funcs;
	uint32_t n_nodes, n_funcs;
	struct diff_side a, b;
	enum diff_mode mode;
	double confidence;
	bool in_samples; /* the trees' unit is samples, else see unit */
	/* set by who knows it, for the exports: "cpu", "nanoseconds" unless changed */
	char type[64], unit[32];
	struct strtab *strings;
};

/* 0, -EINVAL: one counts samples and the other does not, or a work is not above 0; -ENOMEM. */
int diff_trees(const struct tree *a, const struct tree *b, const struct diff_scale *scale,
	       struct diff **ret);
void diff_free(struct diff *d); /* NULL is fine */

/* Rate if both sides know their duration and count time, else share. */
enum diff_mode diff_mode_for(const struct tree *a, const struct tree *b, bool is_time);

/*
 * Cuts for display as tree_cut does: by the larger of a node's two shares. 0 = all.
 * 0 or -ENOMEM, then the diff is as before.
 */
int diff_cut(struct diff *d, uint32_t max_nodes);

/* A function of either side; a recursive one counts once. */
struct diff_row {
	uint32_t func;
	uint64_t a_self, a_total, b_self, b_total; /* in the trees' unit */
	uint64_t a_samples, b_samples;		   /* behind the totals */
	uint64_t a_self_samples, b_self_samples;
	double a_phi, b_phi;		    /* variance over that of independent samples */
	double a, b, delta, se;		    /* totals in the compared unit */
	double self_delta, self_se;	    /* in the compared unit */
	bool significant, self_significant; /* beyond the error at diff.confidence */
};

/*
 * Units of work as a user gives them (diff_scale), from 1e-100 to 1e100: what is divided by their
 * squares stays finite. False: s, which may be NULL, is no such number.
 */
bool diff_read_work(const char *s, double *ret);
#define DIFF_WORK_ALLOWED "a number above 0, from 1e-100 to 1e100"

/* Rows by absolute delta, largest first; free with free(). 0 or -ENOMEM. */
int diff_rows(const struct diff *d, struct diff_row **ret, uint32_t *n);
/* Both sides' totals as a row, its func UINT32_MAX; the whole has no share of itself: then se is 0. */
void diff_whole(const struct diff *d, struct diff_row *ret);

/*
 * Errors. Independent samples have the binomial one; of a rate or a cost per
 * work, which have no fixed total to be a part of, that of counting. Where the
 * trees have measured the shares' errors between stretches of time, these are
 * larger by the same factor.
 */

/*
 * How many standard errors a change must exceed at diff.confidence; measured:
 * one whose error is larger than that of independent samples.
 */
double diff_limit(const struct diff *d, bool measured);

/* b over a - 1; HUGE_VAL if a is 0 and b is not, 0 if both are */
double diff_ratio(double a, double b);
/* Is the trees' unit nanoseconds? */
bool diff_counts_time(const struct diff *d);
/* "cores", "cpu time per unit of work", "share", ... */
const char *diff_unit_name(const struct diff *d);

#endif
