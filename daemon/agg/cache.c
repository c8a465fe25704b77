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
