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
 * alone and can be dropped once nothing more is added: 11 to 21 bytes a row.
 * Its hash is seeded: rows hold addresses that profiled programs choose.
 */
#ifndef RINGPROF_BASE_TABLE_H
#define RINGPROF_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TABLE_FIRST_SHIFT 6
#define TABLE_BUCKETS	  (32 - TABLE_FIRST_SHIFT)

struct table_slot {
	uint32_t hash;
	uint32_t number; /* of the row, + 1; 0: empty */
};

/* A row of 8 or 16 bytes; of 8: w[1] is 0. */
struct table_words {
	uint64_t w[2];
};

struct table {
	uint32_t row_size;
	uint32_t count;	  /* release by the writer, acquire by readers */
	uint32_t cap;	  /* slots, power of two or 0 */
	uint32_t end;	  /* rows that the buckets have room for; 0: sealed */
	uint32_t indexed; /* rows that the index has */
	bool sealed;
	bool tree;
	uint64_t seed[2];
	size_t bytes; /* rows and index, the writer's view */
	size_t max_bytes;
	size_t *sum; /* atomic: `bytes` is added to it as well; NULL: nowhere */
	struct table_slot *slots;
	char *buckets[TABLE_BUCKETS];
	uint32_t *first[TABLE_BUCKETS]; /* of a tree, by row: its first child, 0: none yet */
};

/* Rows and index together take no more than max_bytes; SIZE_MAX: as there is memory. */
void table_init(struct table *t, uint32_t row_size, size_t max_bytes);
/*
 * A table whose rows, of 8 or 16 bytes, are the nodes of a tree: row 0, which
 * is to be added first, is its root, the others hold their parent's number and
 * are added by table_add_below alone.
 */
void table_init_tree(struct table *t, uint32_t row_size, size_t max_bytes);
void table_free(struct table *t);
/* Number of the row equal to `row`, or UINT32_MAX. Not after table_seal. */
uint32_t table_find(const struct table *t, const void *row);
/* Number of the row, added when new; UINT32_MAX: no memory, full or sealed. */
uint32_t table_add(struct table *t, const void *row);
/* The same of a row of 8 or 16 bytes, given as its words: half the price. */
uint32_t table_add_words(struct table *t, struct table_words words);
/* Drops the index: nothing can be added or found any more. */
void table_seal(struct table *t);

static inline uint32_t table_count(const struct table *t)
{
	return __atomic_load_n(&t->count, __ATOMIC_ACQUIRE);
}

/* Where a row stands, which the number alone says. */
struct table_place {
	unsigned int bucket;
	uint64_t pos; /* in the bucket */
};

static inline struct table_place table_place(uint32_t i)
{
	uint64_t pos = (uint64_t)i + (1U << TABLE_FIRST_SHIFT);
	unsigned int top = 63U - (unsigned int)__builtin_clzll(pos);

	return (struct table_place){ top - TABLE_FIRST_SHIFT, pos - (1ULL << top) };
}

/* The row of a number whose bucket is there; row_size: t's, a constant where it is known. */
static inline void *table_at(const struct table *t, uint32_t i, uint32_t row_size)
{
	struct table_place at = table_place(i);

	return t->buckets[at.bucket] + at.pos * row_size;
}

/* The row, or NULL when there is no such number. */
static inline const void *table_row(const struct table *t, uint32_t i)
{
	return i < table_count(t) ? table_at(t, i, t->row_size) : NULL;
}

/* A row of 8 or 16 bytes as words. */
static inline struct table_words table_words_of(const void *row, uint32_t row_size)
{
	struct table_words r = { { 0 } };

	memcpy(&r.w[0], row, 8);
	if (row_size == 16)
		memcpy(&r.w[1], (const char *)row + 8, 8);
	return r;
}

static inline bool table_words_equal(const void *row, struct table_words b, uint32_t row_size)
{
	struct table_words a = table_words_of(row, row_size);

	return a.w[0] == b.w[0] && a.w[1] == b.w[1];
}

/* ---- trees ---- */
/* Of a row that is there, not after table_seal: the place of its first child's number. */
static inline uint32_t *table_first(const struct table *t, uint32_t i)
{
	struct table_place at = table_place(i);

	return &t->first[at.bucket][at.pos];
}

/* The row number t->count is written: others may see it. */
static inline uint32_t table_publish(struct table *t)
{
	uint32_t i = t->count;

	__atomic_store_n(&t->count, i + 1, __ATOMIC_RELEASE);
	return i;
}

/* The first child of parent; there is room for a row. */
static inline uint32_t table_append_child(struct table *t, uint32_t parent,
					  struct table_words words, uint32_t row_size)
{
	memcpy(table_at(t, t->count, row_size), words.w, row_size);
	*table_first(t, parent) = t->count;
	return table_publish(t);
}

/* table_add_below where it is neither the first child nor one that can be appended at once. */
uint32_t table_add_child(struct table *t, uint32_t parent, struct table_words words);

/*
 * table_add_words of a child of row `parent` of a tree. Most nodes have one
 * child: the first one is found from its parent, and stands in no index. So a
 * branch that was never met is added without a look at anything. row_size: t's,
 * as a constant.
 */
static inline uint32_t table_add_below(struct table *t, uint32_t parent, struct table_words words,
				       uint32_t row_size)
{
	uint32_t first;

	/* past the end also: sealed */
	if (parent >= t->count || t->count >= t->end)
		return table_add_child(t, parent, words);
	first = *table_first(t, parent);
	if (!first)
		return table_append_child(t, parent, words, row_size);
	if (table_words_equal(table_at(t, first, row_size), words, row_size))
		return first;
	return table_add_words(t, words);
}

#endif
