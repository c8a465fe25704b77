// SPDX-License-Identifier: GPL-2.0
#include "store/roll_cells.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

size_t cells_bytes(const struct cells *c)
{
	return c->cap * sizeof(*c->cell) + c->cap_sum * sizeof(*c->sum) +
	       c->n_sets * sizeof(*c->sets) + c->set_bytes;
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
	size_t words = cap / 64 * c->n_sums, had = s->cap / 64 * c->n_sums;
	uint64_t *touched;

	if (local < s->cap)
		return 0;
	cell = realloc(s->cell, cap * sizeof(*cell));
	if (!cell)
		return -1;
	s->cell = cell;
	touched = realloc(s->touched, words * sizeof(*touched));
	if (!touched)
		return -1;
	s->touched = touched;
	memset(cell + s->cap, 0, (cap - s->cap) * sizeof(*cell));
	memset(touched + had, 0, (words - had) * sizeof(*touched));
	c->set_bytes += (cap - s->cap) * sizeof(*cell) + (words - had) * sizeof(*touched);
	s->cap = cap;
	return 0;
}

/* Room for one cell more and its sums; 0 or -1. */
static int cell_room(struct cells *c)
{
	struct cell *cell = array_room(c->cell, &c->cap, c->n + 1, sizeof(*cell));
	struct cell_sum *sum;

	if (!cell)
		return -1;
	c->cell = cell;
	sum = array_room(c->sum, &c->cap_sum, (c->n + 1) * c->n_sums, sizeof(*sum));
	if (!sum)
		return -1;
	c->sum = sum;
	return 0;
}

uint32_t cells_number(struct cells *c, uint32_t series, uint32_t local)
{
	struct cells_set *s = set_of(c, series);

	if (!s || set_room(c, s, local))
		return UINT32_MAX;
	if (s->cell[local])
		return s->cell[local] - 1;
	if (cell_room(c))
		return UINT32_MAX;
	memset(&c->sum[c->n * c->n_sums], 0, c->n_sums * sizeof(*c->sum));
	c->cell[c->n++] = (struct cell){ .series = series, .local = local };
	s->cell[local] = (uint32_t)c->n;
	return (uint32_t)c->n - 1;
}

static void touch(struct cells *c, const struct cell *cell, unsigned int i)
{
	struct cells_set *s = &c->sets[cell->series];

	s->touched[(size_t)(cell->local / 64) * c->n_sums + i] |= 1ULL << cell->local % 64;
	s->any |= 1U << i;
	c->n_touched[i]++;
}

void cells_add(struct cells *c, uint32_t number, unsigned int sums, uint64_t count, uint64_t weight)
{
	struct cell_sum *sum = &c->sum[(size_t)number * c->n_sums];

	for (unsigned int i = 0; i < c->n_sums; i++) {
		if (!(sums >> i & 1))
			continue;
		if (!sum[i].count && !sum[i].weight)
			touch(c, &c->cell[number], i);
		sum[i].count += count;
		sum[i].weight += weight;
	}
}

static size_t take_set(struct cells *c, struct cells_set *s, unsigned int sum,
		       struct code_entry *ret)
{
	size_t n = 0;

	for (uint32_t k = 0; k < s->cap / 64; k++) {
		uint64_t *touched = &s->touched[(size_t)k * c->n_sums + sum];

		for (uint64_t bits = *touched; bits; bits &= bits - 1) {
			uint32_t number = s->cell[k * 64 + (uint32_t)__builtin_ctzll(bits)] - 1;
			struct cell_sum *own = &c->sum[(size_t)number * c->n_sums + sum];

			if (ret)
				ret[n++] = (struct code_entry){ .series = c->cell[number].series,
								.local = c->cell[number].local,
								.count = own->count,
								.weight = own->weight };
			own->count = own->weight = 0;
		}
		*touched = 0;
	}
	s->any &= ~(1U << sum);
	return n;
}

void cells_take(struct cells *c, unsigned int sum, struct code_entry *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_sets; i++)
		if (c->sets[i].any >> sum & 1)
			n += take_set(c, &c->sets[i], sum, ret ? ret + n : NULL);
	c->n_touched[sum] = 0;
}

void cells_reset(struct cells *c)
{
	for (size_t i = 0; i < c->n_sets; i++) {
		free(c->sets[i].cell);
		free(c->sets[i].touched);
	}
	free(c->sets);
	free(c->cell);
	free(c->sum);
	*c = (struct cells){ .n_sums = c->n_sums };
}
