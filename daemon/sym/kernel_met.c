// SPDX-License-Identifier: GPL-2.0
#include "sym/kernel_met.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hmap.h"

#define PLACES 8192U /* 128 KiB, half of it for BPF; a power of two */

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

bool kernel_met_before(struct kernel_met *m, bool bpf, uint64_t addr, uint64_t read, uint64_t now)
{
	unsigned int i = (hash_mix(addr, 0) & (PLACES / 2 - 1)) + (bpf ? PLACES / 2 : 0);
	bool before;

	pthread_mutex_lock(&m->lock);
	/* one that is not sure itself keeps its place, or two would put each other out for ever */
	if (m->at[i].addr != addr && m->at[i].since <= read) {
		m->at[i].addr = addr;
		m->at[i].since = now;
	}
	before = m->at[i].addr == addr && m->at[i].since <= read;
	pthread_mutex_unlock(&m->lock);
	return before;
}
