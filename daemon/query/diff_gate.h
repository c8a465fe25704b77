/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Has the head regressed? The verdict over a diff: of the whole (where the
 * comparison has one: not of shares) and of each function that the base has
 * and that is not too small. Pure functions.
 *
 * A row is regressed when its growth beyond what is allowed is too much for
 * chance. Many are looked at, so the risk of one false alarm, 1 - confidence,
 * is shared: half of it to the whole, half to the functions by Holm's rule.
 *
 * A function that the base has not is never regressed for itself: code that
 * was renamed or moved would be. What it costs stands in its callers' totals,
 * which are judged; it is listed as new.
 *
 * Fine means that growth of the whole as small as the bound would have been
 * seen. With too few samples for that nothing can be said: inconclusive.
 */
#ifndef RINGPROF_QUERY_DIFF_GATE_H
#define RINGPROF_QUERY_DIFF_GATE_H

#include "query/diff.h"

struct gate_limits {
	/* allowed growth: a part of the row's base (0.02: 2 %), or of the whole's (points) */
	double max_regress;
	bool points;
	double min_share;  /* functions whose two shares add up to less are not looked at */
	double confidence; /* that there is no false alarm, 0.5 to 0.999999 */
};

enum gate_verdict { GATE_FINE, GATE_REGRESSED, GATE_INCONCLUSIVE };

enum gate_state {
	GATE_SMALL,  /* below min_share */
	GATE_SAME,   /* within the error */
	GATE_GREW,   /* surely more, not surely beyond what is allowed */
	GATE_FELL,   /* surely less */
	GATE_NEW,    /* the base has none */
	GATE_GONE,   /* the head has none */
	GATE_BEYOND, /* surely beyond what is allowed: regressed */
};

struct gate_row {
	struct diff_row r; /* of the whole: func UINT32_MAX */
	double p;	   /* of so much growth by chance, when what is allowed is the truth */
	enum gate_state state;
};

struct gate {
	enum gate_verdict verdict;
	struct gate_row whole;
	/* regressed first, largest own growth first; then new, grown, fallen, gone, same, small */
	struct gate_row *rows;
	uint32_t n_rows, n_tested, n_beyond;
	/* growth of the whole that would have been seen, and what had to be; need: samples a side */
	double resolution, bound;
	uint64_t need;
};

/* 0 or -ENOMEM. Free with gate_free. */
int gate_judge(const struct diff *d, const struct gate_limits *lim, struct gate **ret);
void gate_free(struct gate *g); /* NULL is fine */

#endif
