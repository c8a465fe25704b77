/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Open-addressing hash index from a 64-bit hash to a 32-bit number (an index
 * into the caller's own array). The caller compares the real keys: a probe
 * yields candidates until it says stop. Removal leaves a tombstone. No thread
 * safety.
 *
 *	uint32_t i;
 *	HMAP_FOR_EACH(&m, hash, it, i)
 *		if (key_equal(&items[i], key))
 *			return i;
 *	hmap_insert(&m, hash, new_index);
 */
#ifndef RINGPROF_BASE_HMAP_H
#define RINGPROF_BASE_HMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hmap_slot {
	uint64_t hash;
	uint32_t value; /* HMAP_EMPTY, HMAP_DEAD or the value */
};

struct hmap {
	struct hmap_slot *slots;
	size_t cap;  /* power of two, or 0 */
	size_t used; /* live and dead */
	size_t live;
};

#define HMAP_EMPTY 0xffffffffU
#define HMAP_DEAD  0xfffffffeU

struct hmap_iter {
	size_t pos;
	size_t left;
};

void hmap_free(struct hmap *m);
void hmap_clear(struct hmap *m);
/* Adds without looking for an equal; 0 or -ENOMEM. value < HMAP_DEAD. */
int hmap_insert(struct hmap *m, uint64_t hash, uint32_t value);
/* Takes out the entry (hash, value); false if there is none. */
bool hmap_remove(struct hmap *m, uint64_t hash, uint32_t value);
static inline size_t hmap_bytes(const struct hmap *m)
{
	return m->cap * sizeof(struct hmap_slot);
}

/* Where a lookup of hash will begin: for who has something else to do until then. */
static inline void hmap_prefetch(const struct hmap *m, uint64_t hash)
{
	if (m->cap)
		__builtin_prefetch(&m->slots[hash & (m->cap - 1)]);
}

static inline struct hmap_iter hmap_first(const struct hmap *m, uint64_t hash)
{
	return (struct hmap_iter){ .pos = m->cap ? hash & (m->cap - 1) : 0, .left = m->cap };
}

/* Next value stored under hash; false: no more. */
static inline bool hmap_next(const struct hmap *m, struct hmap_iter *it, uint64_t hash,
			     uint32_t *ret)
{
	while (it->left) {
		const struct hmap_slot *s = &m->slots[it->pos];

		if (s->value == HMAP_EMPTY)
			break;
		it->pos = (it->pos + 1) & (m->cap - 1);
		it->left--;
		if (s->value != HMAP_DEAD && s->hash == hash) {
			*ret = s->value;
			return true;
		}
	}
	return false;
}

#define HMAP_FOR_EACH(m, hash, it, val) \
	for (struct hmap_iter it = hmap_first(m, hash); hmap_next(m, &it, hash, &(val));)

/* 64-bit mix of two words; not keyed: for tables that no stranger fills on purpose. */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
	a = (a ^ (b * 0x9e3779b97f4a7c15ULL)) * 0xff51afd7ed558ccdULL;
	a ^= a >> 32;
	a *= 0xc4ceb9fe1a85ec53ULL;
	return a ^ (a >> 29);
}

#endif
