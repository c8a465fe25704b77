// SPDX-License-Identifier: GPL-2.0
#include "sym/kernel_met.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hmap.h"

#define PLACES 4096U /* 64 KiB; a power of two */

struct kernel_met {
	pthread_mutex_t lock;
	struct {
		uint64_t addr, since;
	} at[PLACES];
};

struct kernel_met *kernel_met_new(void)
{
	struct kernel_met *m = calloc(1, sizeof(*m));

	if (m)
		pthread_mutex_init(&m->lock, NULL);
	return m;
}

void kernel_met_free(struct kernel_met *m)
{
	if (m)
		pthread_mutex_destroy(&m->lock);
	free(m);
}

uint64_t kernel_met_since(struct kernel_met *m, uint64_t addr, uint64_t now)
{
	unsigned int i = hash_mix(addr, 0) & (PLACES - 1);
	uint64_t since;

	pthread_mutex_lock(&m->lock);
	if (m->at[i].addr != addr) {
		m->at[i].addr = addr;
		m->at[i].since = now;
	}
	since = m->at[i].since;
	pthread_mutex_unlock(&m->lock);
	return since;
}
