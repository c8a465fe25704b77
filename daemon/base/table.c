// SPDX-License-Identifier: GPL-2.0
/*
 * See table.h. The index is open addressing with linear probing, at most three
 * quarters full. A slot holds the row's hash beside its number: probing looks
 * at rows that are mostly the right one only, and growing reads no row at all.
 *
 * Frames, stacks, threads and call chains are rows of one or two words, and
 * every sample looks some up: these are hashed and compared as words, and the
 * functions that take a row's size are compiled for each of the two.
 */
#include "base/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/clock.h"

#define MIN_SLOTS 64U
#define MAX_ROWS  0x40000000U
#define EACH_SIZE static inline __attribute__((always_inline))

/* What is looked for: words if size is that of one or two, else at `bytes`. */
struct key {
	struct table_words words;
	const void *bytes;
	uint32_t size;
};

void table_init(struct table *t, uint32_t row_size, size_t max_bytes)
{
	memset(t, 0, sizeof(*t));
	t->row_size = row_size;
	t->max_bytes = max_bytes;
	/* early in boot there may be no randomness yet */
	if (getrandom(t->seed, sizeof(t->seed), GRND_NONBLOCK) != sizeof(t->seed)) {
		t->seed[0] = mono_now();
		t->seed[1] = (uintptr_t)t;
	}
	t->seed[1] |= 1;
}

void table_init_tree(struct table *t, uint32_t row_size, size_t max_bytes)
{
	table_init(t, row_size, max_bytes);
	t->tree = true;
}

void table_free(struct table *t)
{
	for (unsigned int i = 0; i < TABLE_BUCKETS; i++) {
		free(t->buckets[i]);
		free(t->first[i]);
	}
	free(t->slots);
	memset(t, 0, sizeof(*t));
}

EACH_SIZE bool is_words(uint32_t size)
{
	return size == 8 || size == 16;
}

EACH_SIZE uint32_t hash_of(const struct table *t, struct key k)
{
	unsigned __int128 m;

	if (!is_words(k.size))
		return (uint32_t)XXH3_64bits_withSeed(k.bytes, k.size, t->seed[0]);
	m = (unsigned __int128)(k.words.w[0] ^ t->seed[0]) * (k.words.w[1] ^ t->seed[1]);
	return (uint32_t)m ^ (uint32_t)(m >> 64);
}

EACH_SIZE bool is_row(const void *row, struct key k)
{
	if (!is_words(k.size))
		return !memcmp(row, k.bytes, k.size);
	return table_words_equal(row, k.words, k.size);
}

/* The slot of an equal row, or the empty one where it belongs. */
EACH_SIZE struct table_slot *slot_of(const struct table *t, struct key k, uint32_t hash)
{
	uint32_t pos = hash & (t->cap - 1);

	for (;; pos = (pos + 1) & (t->cap - 1)) {
		struct table_slot *s = &t->slots[pos];

		if (!s->number ||
		    (s->hash == hash && is_row(table_at(t, s->number - 1, k.size), k)))
			return s;
	}
}

static void charge(struct table *t, size_t bytes)
{
	t->bytes += bytes;
	if (t->sum)
		__atomic_store_n(t->sum, *t->sum + bytes, __ATOMIC_RELAXED);
}

static bool fits(const struct table *t, size_t more)
{
	return t->bytes + more <= t->max_bytes;
}

/* Old and new index stand beside each other for a moment; both count. */
static bool index_grow(struct table *t)
{
	uint32_t cap = t->cap ? t->cap * 2 : MIN_SLOTS;
	struct table_slot *slots;

	if (!fits(t, cap * sizeof(*slots)))
		return false;
	slots = calloc(cap, sizeof(*slots));
	if (!slots)
		return false;
	for (uint32_t i = 0; i < t->cap; i++) {
		struct table_slot s = t->slots[i];
		uint32_t pos = s.hash & (cap - 1);

		if (!s.number)
			continue;
		while (slots[pos].number)
			pos = (pos + 1) & (cap - 1);
		slots[pos] = s;
	}
	charge(t, (size_t)(cap - t->cap) * sizeof(*slots));
	free(t->slots);
	t->slots = slots;
	t->cap = cap;
	return true;
}

/* Makes the bucket of row t->count, its first one. */
static bool bucket_alloc(struct table *t)
{
	struct table_place at = table_place(t->count);
	size_t n = (size_t)1 << (at.bucket + TABLE_FIRST_SHIFT);
	size_t bytes = n * (t->row_size + (t->tree ? sizeof(uint32_t) : 0));
	char *rows;

	if (t->sealed || t->count >= MAX_ROWS || !fits(t, bytes))
		return false;
	rows = malloc(n * t->row_size);
	if (t->tree && rows)
		t->first[at.bucket] = calloc(n, sizeof(uint32_t));
	if (!rows || (t->tree && !t->first[at.bucket])) {
		free(rows);
		return false;
	}
	t->buckets[at.bucket] = rows;
	charge(t, bytes);
	t->end = t->count + (uint32_t)n;
	return true;
}

/* Memory for one row more: a bucket is made when its first row comes. */
static inline bool row_room(struct table *t)
{
	return t->count < t->end || bucket_alloc(t);
}

static inline bool is_crowded(const struct table *t)
{
	return ((uint64_t)t->indexed + 1) * 4 > (uint64_t)t->cap * 3;
}

/* Room in the index for one more; where it may not grow any more, 7/8 full has to do. */
static inline bool index_room(struct table *t)
{
	return !is_crowded(t) || index_grow(t) ||
	       ((uint64_t)t->indexed + 1) * 8 <= (uint64_t)t->cap * 7;
}

/* Row t->count, for which there is room, into the empty slot where it belongs. */
EACH_SIZE uint32_t put(struct table *t, struct table_slot *s, struct key k, uint32_t hash)
{
	memcpy(table_at(t, t->count, k.size), is_words(k.size) ? k.words.w : k.bytes, k.size);
	*s = (struct table_slot){ .hash = hash, .number = t->count + 1 };
	t->indexed++;
	return table_publish(t);
}

/* A row that is not there, when there may be no room: out of the way of those that are. */
static __attribute__((noinline)) uint32_t add_slowly(struct table *t, struct key k, uint32_t hash)
{
	if (!row_room(t) || !index_room(t))
		return UINT32_MAX;
	return put(t, slot_of(t, k, hash), k, hash);
}

EACH_SIZE uint32_t add(struct table *t, struct key k)
{
	uint32_t hash = hash_of(t, k);
	struct table_slot *s;

	if (!t->cap)
		return add_slowly(t, k, hash);
	s = slot_of(t, k, hash);
	if (s->number)
		return s->number - 1;
	if (t->count >= t->end || is_crowded(t))
		return add_slowly(t, k, hash);
	return put(t, s, k, hash);
}

uint32_t table_add_words(struct table *t, struct table_words words)
{
	if (t->row_size == 8)
		return add(t, (struct key){ .words = words, .size = 8 });
	return add(t, (struct key){ .words = words, .size = 16 });
}

uint32_t table_add(struct table *t, const void *row)
{
	if (is_words(t->row_size))
		return table_add_words(t, table_words_of(row, t->row_size));
	return add(t, (struct key){ .bytes = row, .size = t->row_size });
}

uint32_t table_add_child(struct table *t, uint32_t parent, struct table_words words)
{
	uint32_t first;

	if (t->sealed || parent >= t->count)
		return UINT32_MAX;
	first = *table_first(t, parent);
	if (first && table_words_equal(table_at(t, first, t->row_size), words, t->row_size))
		return first;
	if (first)
		return table_add_words(t, words);
	return row_room(t) ? table_append_child(t, parent, words, t->row_size) : UINT32_MAX;
}

uint32_t table_find(const struct table *t, const void *row)
{
	struct key k = { .bytes = row, .size = t->row_size };

	if (!t->slots)
		return UINT32_MAX;
	if (is_words(k.size))
		k.words = table_words_of(row, k.size);
	/* an empty slot's 0 becomes UINT32_MAX */
	return slot_of(t, k, hash_of(t, k))->number - 1;
}

void table_seal(struct table *t)
{
	size_t gone = (size_t)t->cap * sizeof(*t->slots);

	for (unsigned int k = 0; k < TABLE_BUCKETS; k++) {
		if (t->first[k])
			gone += sizeof(*t->first[k]) << (k + TABLE_FIRST_SHIFT);
		free(t->first[k]);
		t->first[k] = NULL;
	}
	free(t->slots);
	charge(t, -gone);
	t->slots = NULL;
	t->cap = 0;
	t->end = 0;
	t->sealed = true;
}
