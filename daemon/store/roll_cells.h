/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sums of windows in the making: one cell for each (label set, local) that
 * the files have seen from here, with a sum for each of the tiers. Cells stay
 * from window to window, so that adding is a look into an array, and come out
 * in the order in which windows are written, without sorting. The writer's
 * thread alone.
 */
#ifndef RINGPROF_STORE_ROLL_CELLS_H
#define RINGPROF_STORE_ROLL_CELLS_H

#include "store/code.h"

struct cells_set {	   /* of a label set */
	uint32_t *cell;	   /* by local: its number + 1, 0 none */
	uint64_t *touched; /* bits by local: a word of the first sum, of the second, ... */
	uint32_t cap;
	uint32_t any; /* bits by sum: one of its own is set */
};

struct cells {
	unsigned int n_sums; /* of a cell; the owner's, set before the first cell */
	struct cell {
		uint32_t series, local;
	} * cell;
	struct cell_sum {
		uint64_t count, weight;
	} * sum; /* of cell 0, of cell 1, ... */
	size_t n, cap, cap_sum;
	struct cells_set *sets;
	size_t n_sets;
	uint32_t n_touched[DICT_FILES]; /* by sum: entries of the window so far */
	size_t set_bytes;		/* what the sets point to */
};

size_t cells_bytes(const struct cells *c);

/* The number of the cell, made when new; UINT32_MAX: no memory. */
uint32_t cells_number(struct cells *c, uint32_t series, uint32_t local);
static inline void cells_prefetch(const struct cells *c, uint32_t number)
{
	__builtin_prefetch(&c->sum[(size_t)number * c->n_sums], 1);
}
/* To each sum whose bit is in `sums`. count and weight are not both 0. */
void cells_add(struct cells *c, uint32_t cell, unsigned int sums, uint64_t count, uint64_t weight);
/*
 * The entries of that sum, sorted, into ret, which has room for n_touched of it,
 * or nowhere (NULL); they are 0 then.
 */
void cells_take(struct cells *c, unsigned int sum, struct code_entry *ret);
/* Forgets all of them: another dictionary. */
void cells_reset(struct cells *c);

#endif
