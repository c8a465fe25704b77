/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An append-only table of equal-sized rows, interned by their bytes: adding
 * an equal row gives the number of the one that is there. Padding inside a row
 * must therefore be zeroed by the caller.
 *
 * Rows live in buckets that double in size (64, 128, 256, ...), so a row never
 * moves and the directory is a few pointers. One thread adds; any thread may
 * read a row whose number it got through something that orders memory (a
 * published window). The index from bytes to number is the adding thread's
 * alone and can be dropped once nothing more is added: 4 bytes a slot, the
 * rows themselves are what is compared. Its hash is seeded: rows hold
 * addresses that profiled programs choose.
 */
#ifndef RINGPROF_AGG_TABLE_H
#define RINGPROF_AGG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_FIRST_SHIFT 6
#define TABLE_BUCKETS	  (32 - TABLE_FIRST_SHIFT)

struct table {
	uint32_t row_size;
	uint32_t count; /* release by the writer, acquire by readers */
	uint32_t cap;	/* slots, power of two or 0 */
	bool sealed;
	uint64_t seed;
	size_t bytes;	 /* rows and index, the writer's view */
	uint32_t *slots; /* row number + 1; 0 empty */
	char *buckets[TABLE_BUCKETS];
};

void table_init(struct table *t, uint32_t row_size);
void table_free(struct table *t);
/* Number of the row equal to `row`, or UINT32_MAX. Not after table_seal. */
uint32_t table_find(const struct table *t, const void *row);
/* Number of the row, added when new; UINT32_MAX: no memory, full or sealed. */
uint32_t table_add(struct table *t, const void *row);
/* Drops the index: nothing can be added or found any more. */
void table_seal(struct table *t);

static inline uint32_t table_count(const struct table *t)
{
	return __atomic_load_n(&t->count, __ATOMIC_ACQUIRE);
}

/* The row, or NULL when there is no such number. */
static inline const void *table_row(const struct table *t, uint32_t i)
{
	uint64_t pos = (uint64_t)i + (1U << TABLE_FIRST_SHIFT);
	unsigned int top = 63U - (unsigned int)__builtin_clzll(pos);

	if (i >= table_count(t))
		return NULL;
	return t->buckets[top - TABLE_FIRST_SHIFT] + (pos - (1ULL << top)) * t->row_size;
}

#endif
