// SPDX-License-Identifier: GPL-2.0
/*
 * See table.h. The index is open addressing with linear probing, at most half
 * full; growing it hashes all rows again, which costs less over time than
 * keeping 8 bytes of hash a row would cost in memory for every stack node.
 */
#include "agg/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/clock.h"

#define MIN_SLOTS 64U
#define MAX_ROWS  0x40000000U

void table_init(struct table *t, uint32_t row_size)
{
	memset(t, 0, sizeof(*t));
	t->row_size = row_size;
	/* early in boot there may be no randomness yet */
	if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) != sizeof(t->seed))
		t->seed = mono_now() ^ (uintptr_t)t;
}

static uint32_t row_hash(const struct table *t, const void *row)
{
	return (uint32_t)XXH3_64bits_withSeed(row, t->row_size, t->seed);
}

void table_free(struct table *t)
{
	for (unsigned int i = 0; i < TABLE_BUCKETS; i++)
		free(t->buckets[i]);
	free(t->slots);
	memset(t, 0, sizeof(*t));
}

/* Slot that holds an equal row, or the empty one where it belongs. */
static uint32_t slot_of(const struct table *t, const void *row)
{
	uint32_t pos = row_hash(t, row) & (t->cap - 1);

	while (t->slots[pos]) {
		if (!memcmp(table_row(t, t->slots[pos] - 1), row, t->row_size))
			break;
		pos = (pos + 1) & (t->cap - 1);
	}
	return pos;
}

uint32_t table_find(const struct table *t, const void *row)
{
	if (!t->slots)
		return UINT32_MAX;
	/* an empty slot's 0 becomes UINT32_MAX */
	return t->slots[slot_of(t, row)] - 1;
}

static int index_grow(struct table *t)
{
	uint32_t cap = t->cap ? t->cap * 2 : MIN_SLOTS;
	uint32_t *slots = calloc(cap, sizeof(*slots));

	if (!slots)
		return -1;
	for (uint32_t i = 0; i < t->count; i++) {
		uint32_t pos = row_hash(t, table_row(t, i)) & (cap - 1);

		while (slots[pos])
			pos = (pos + 1) & (cap - 1);
		slots[pos] = i + 1;
	}
	t->bytes += (size_t)(cap - t->cap) * sizeof(*slots);
	free(t->slots);
	t->slots = slots;
	t->cap = cap;
	return 0;
}

/* Memory for row number i, in a bucket that is made when its first row comes. */
static char *row_alloc(struct table *t, uint32_t i)
{
	uint64_t pos = (uint64_t)i + (1U << TABLE_FIRST_SHIFT);
	unsigned int top = 63U - (unsigned int)__builtin_clzll(pos);
	unsigned int k = top - TABLE_FIRST_SHIFT;

	if (!t->buckets[k]) {
		t->buckets[k] = malloc((size_t)t->row_size << top);
		if (!t->buckets[k])
			return NULL;
		t->bytes += (size_t)t->row_size << top;
	}
	return t->buckets[k] + (pos - (1ULL << top)) * t->row_size;
}

uint32_t table_add(struct table *t, const void *row)
{
	uint32_t i = t->count, pos;
	char *p;

	if (t->sealed || i >= MAX_ROWS)
		return UINT32_MAX;
	if ((i + 1) * 2 > t->cap && index_grow(t))
		return UINT32_MAX;
	pos = slot_of(t, row);
	if (t->slots[pos])
		return t->slots[pos] - 1;
	p = row_alloc(t, i);
	if (!p)
		return UINT32_MAX;
	memcpy(p, row, t->row_size);
	t->slots[pos] = i + 1;
	__atomic_store_n(&t->count, i + 1, __ATOMIC_RELEASE);
	return i;
}

void table_seal(struct table *t)
{
	t->bytes -= (size_t)t->cap * sizeof(*t->slots);
	free(t->slots);
	t->slots = NULL;
	t->cap = 0;
	t->sealed = true;
}
