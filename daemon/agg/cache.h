/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a call chain came to: (owner, chain, leaf) -> stack of the model. An
 * owner is a number that stands for one process with one set of mappings, one
 * generation of the chain table and one model; whatever changes gives the
 * process a new owner number, and the old entries are never met again and get
 * overwritten. So nothing is ever searched for to be thrown out, and the
 * memory is fixed however many processes there are: sets of four entries, where
 * one that was not met again makes room.
 *
 * Collector thread alone.
 */
#ifndef RINGPROF_AGG_CACHE_H
#define RINGPROF_AGG_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/hmap.h"

#define CACHE_WAYS 4U

struct cache_entry {
	uint64_t owner; /* 0: empty */
	uint64_t leaf;
	uint32_t chain;
	uint32_t stack;
	uint32_t end;	 /* why its root was not reached, 0: it was */
	uint32_t binary; /* where it ended then: a row of agg.binaries */
};

struct cache {
	struct cache_entry *entries;
	size_t sets; /* power of two */
	uint64_t seed;
};

/* 0 or -ENOMEM. sets: a power of two. */
int cache_init(struct cache *c, size_t sets);
void cache_free(struct cache *c);

static inline struct cache_entry *cache_set(const struct cache *c, uint64_t owner, uint32_t chain,
					    uint64_t leaf)
{
	uint64_t h = hash_mix(leaf ^ c->seed, owner << 32 ^ chain ^ owner >> 32);

	return &c->entries[(h & (c->sets - 1)) * CACHE_WAYS];
}

/* Enters what is not there: its place, with the key; the caller fills in the rest. */
static inline struct cache_entry *cache_put(struct cache *c, uint64_t owner, uint32_t chain,
					    uint64_t leaf)
{
	struct cache_entry *e = cache_set(c, owner, chain, leaf);

	if (e[CACHE_WAYS - 1].owner) {
		/*
		 * Full: new ones start in the third place and push that one to the last: an
		 * entry has to be met again before it can push out one that is in use.
		 */
		e += CACHE_WAYS - 2;
		e[1] = e[0];
	} else {
		while (e->owner)
			e++;
	}
	e->owner = owner;
	e->chain = chain;
	e->leaf = leaf;
	return e;
}

/* The entry, good until the next call on the cache; NULL: not there. */
static inline const struct cache_entry *cache_find(struct cache *c, uint64_t owner, uint32_t chain,
						   uint64_t leaf)
{
	struct cache_entry *set = cache_set(c, owner, chain, leaf);

	for (unsigned int i = 0; i < CACHE_WAYS; i++) {
		struct cache_entry *e = &set[i];

		if (e->chain != chain || e->leaf != leaf || e->owner != owner)
			continue;
		if (i) { /* one place forward: what is used stays, without time stamps */
			struct cache_entry t = set[i - 1];

			set[i - 1] = *e;
			*e = t;
			e = &set[i - 1];
		}
		return e;
	}
	return NULL;
}

#endif
