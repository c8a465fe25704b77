// SPDX-License-Identifier: GPL-2.0
#include "store/roll_cells.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

size_t cells_bytes(const struct cells *c)
{
	return c->cap * sizeof(*c->cell) + c->n_sets * sizeof(*c->sets) + c->set_bytes;
}

static struct cells_set *set_of(struct cells *c, uint32_t series)
{
	struct cells_set *sets;
	size_t cap = c->n_sets;

	if (series < c->n_sets)
		return &c->sets[series];
	sets = array_room(c->sets, &cap, series + 1UL, sizeof(*sets));
	if (!sets)
		return NULL;
	memset(sets + c->n_sets, 0, (cap - c->n_sets) * sizeof(*sets));
	c->sets = sets;
	c->n_sets = cap;
	return &sets[series];
}

/* Whole words of bits; 0 or -1. */
static int set_room(struct cells *c, struct cells_set *s, uint32_t local)
{
	uint32_t cap = (local + local / 2) / 64 * 64 + 64, *cell;
	uint64_t *touched;

	if (local < s->cap)
		return 0;
	cell = realloc(s->cell, cap * sizeof(*cell));
	if (!cell)
		return -1;
	s->cell = cell;
	touched = realloc(s->touched, cap / 8);
	if (!touched)
		return -1;
	s->touched = touched;
	memset(cell + s->cap, 0, (cap - s->cap) * sizeof(*cell));
	memset(touched + s->cap / 64, 0, (cap - s->cap) / 8);
	c->set_bytes += (cap - s->cap) * sizeof(*cell) + (cap - s->cap) / 8;
	s->cap = cap;
	return 0;
}

uint32_t cells_number(struct cells *c, uint32_t series, uint32_t local)
{
	struct cells_set *s = set_of(c, series);
	struct cell *cell;

	if (!s || set_room(c, s, local))
		return UINT32_MAX;
	if (s->cell[local])
		return s->cell[local] - 1;
	cell = array_room(c->cell, &c->cap, c->n + 1, sizeof(*cell));
	if (!cell)
		return UINT32_MAX;
	c->cell = cell;
	cell[c->n++] = (struct cell){ .series = series, .local = local };
	s->cell[local] = (uint32_t)c->n;
	return (uint32_t)c->n - 1;
}

void cells_add(struct cells *c, uint32_t number, uint64_t count, uint64_t weight)
{
	struct cell *cell = &c->cell[number];
	struct cells_set *s = &c->sets[cell->series];

	if (!cell->count && !cell->weight) {
		s->touched[cell->local / 64] |= 1ULL << cell->local % 64;
		s->any = true;
		c->n_touched++;
	}
	cell->count += count;
	cell->weight += weight;
}

static size_t take_set(struct cells *c, struct cells_set *s, struct code_entry *ret)
{
	size_t n = 0;

	for (uint32_t k = 0; k < s->cap / 64; k++) {
		for (uint64_t bits = s->touched[k]; bits; bits &= bits - 1) {
			uint32_t local = k * 64 + (uint32_t)__builtin_ctzll(bits);
			struct cell *cell = &c->cell[s->cell[local] - 1];

			ret[n++] = (struct code_entry){ .series = cell->series,
							.local = local,
							.count = cell->count,
							.weight = cell->weight };
			cell->count = cell->weight = 0;
		}
		s->touched[k] = 0;
	}
	s->any = false;
	return n;
}

void cells_take(struct cells *c, struct code_entry *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_sets; i++)
		if (c->sets[i].any)
			n += take_set(c, &c->sets[i], ret + n);
	c->n_touched = 0;
}

void cells_reset(struct cells *c)
{
	for (size_t i = 0; i < c->n_sets; i++) {
		free(c->sets[i].cell);
		free(c->sets[i].touched);
	}
	free(c->sets);
	free(c->cell);
	memset(c, 0, sizeof(*c));
}
