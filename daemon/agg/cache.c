// SPDX-License-Identifier: GPL-2.0
#include "agg/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

int cache_init(struct cache *c, size_t sets)
{
	c->entries = calloc(sets * CACHE_WAYS, sizeof(*c->entries));
	c->sets = sets;
	if (getrandom(&c->seed, sizeof(c->seed), GRND_NONBLOCK) != sizeof(c->seed))
		c->seed = mono_now() ^ (uintptr_t)c;
	return c->entries ? 0 : -ENOMEM;
}

void cache_free(struct cache *c)
{
	free(c->entries);
	memset(c, 0, sizeof(*c));
}

void cache_put(struct cache *c, const struct cache_entry *e)
{
	struct cache_entry *set = cache_set(c, e->owner, e->chain, e->leaf);

	for (unsigned int i = 0; i < CACHE_WAYS; i++) {
		if (!set[i].owner) {
			set[i] = *e;
			return;
		}
	}
	/*
	 * Full: new ones start in the third place and push that one to the last: an
	 * entry has to be met again before it can push out one that is in use.
	 */
	set[CACHE_WAYS - 1] = set[CACHE_WAYS - 2];
	set[CACHE_WAYS - 2] = *e;
}
