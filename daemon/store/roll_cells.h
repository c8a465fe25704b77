/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sums of a window in the making: one cell for each (label set, local) that
 * the file has seen from here. Cells stay from window to window, so that
 * adding is a look into an array, and come out in the order in which windows
 * are written, without sorting. The writer's thread alone.
 */
#ifndef RINGPROF_STORE_ROLL_CELLS_H
#define RINGPROF_STORE_ROLL_CELLS_H

#include "store/code.h"

struct cells_set {	   /* of a label set */
	uint32_t *cell;	   /* by local: its number + 1, 0 none */
	uint64_t *touched; /* bits, by local */
	uint32_t cap;
	bool any; /* a bit is set */
};

struct cells {
	struct cell {
		uint32_t series, local;
		uint64_t count, weight;
	} * cell;
	size_t n, cap;
	struct cells_set *sets;
	size_t n_sets;
	uint32_t n_touched; /* entries of the window so far */
	size_t set_bytes;   /* what the sets point to */
};

size_t cells_bytes(const struct cells *c);

/* The number of the cell, made when new; UINT32_MAX: no memory. */
uint32_t cells_number(struct cells *c, uint32_t series, uint32_t local);
static inline void cells_prefetch(const struct cells *c, uint32_t number)
{
	__builtin_prefetch(&c->cell[number], 1);
}
/* count and weight are not both 0 */
void cells_add(struct cells *c, uint32_t cell, uint64_t count, uint64_t weight);
/* The entries, sorted, into ret, which has room for n_touched; all sums are 0 then. */
void cells_take(struct cells *c, struct code_entry *ret);
/* Forgets all of them: another file. */
void cells_reset(struct cells *c);

#endif
