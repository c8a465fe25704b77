// SPDX-License-Identifier: GPL-2.0
/*
 * Perf call chains to chain ids, see perf_chain.h. A whole chain that was seen
 * before costs one hash and one comparison with the trie instead of a lookup
 * per frame.
 */
#include "source/perf_chain.h"

#include <string.h>

#include <linux/ringprof.h>

#include "base/hmap.h"

/* no code is mapped in the first page: a return address there ends the walk */
#define MIN_USER_PC 4096U

struct walk {
	uint64_t addr[CHAIN_MAX_DEPTH]; /* leaf first, end mark last */
	uint32_t n;
	uint32_t frames, user_frames; /* as perf counts them: the pc included */
	bool bad_pc, too_deep;
};

static bool is_kernel(uint64_t addr)
{
	/* bit 62 clear would be an end mark of ours */
	return addr >> 62 == 3;
}

/* Takes one frame; false: nothing behind it can be believed. */
static bool add_frame(struct walk *w, uint64_t context, uint64_t ip)
{
	bool user = context == (uint64_t)PERF_CONTEXT_USER;

	w->frames++;
	if (!user && (context != (uint64_t)PERF_CONTEXT_KERNEL || !is_kernel(ip)))
		return true; /* of a guest or hypervisor, which we do not show */
	w->user_frames += user;
	if (w->frames == 1)
		return true; /* the sampled pc itself */
	if (user && (ip >> 63 || ip < MIN_USER_PC)) {
		w->bad_pc = true;
		return false;
	}
	if (w->n == CHAIN_MAX_DEPTH - 1) {
		w->too_deep = true;
		return false;
	}
	w->addr[w->n++] = ip;
	return true;
}

static enum ringprof_end end_of(const struct walk *w, const struct perf_sample *s,
				uint32_t max_stack)
{
	if (w->bad_pc)
		return RINGPROF_END_PC_RANGE;
	if (!w->frames)
		return RINGPROF_END_NO_REGS;
	if (w->too_deep || w->frames >= max_stack)
		return w->user_frames ? RINGPROF_END_DEPTH : RINGPROF_END_KDEPTH;
	if (!w->user_frames)
		return s->pid < 0 ? RINGPROF_END_NO_MM : RINGPROF_END_KTHREAD;
	return RINGPROF_END_FP_RANGE;
}

static void collect(struct walk *w, const struct perf_sample *s, uint32_t max_stack)
{
	uint64_t context = 0;

	w->n = 0;
	w->frames = 0;
	w->user_frames = 0;
	w->bad_pc = false;
	w->too_deep = false;
	for (uint64_t i = 0; i < s->n_ips; i++) {
		uint64_t ip = s->ips[i];

		if (ip >= (uint64_t)PERF_CONTEXT_MAX)
			context = ip;
		else if (!add_frame(w, context, ip))
			break;
	}
	w->addr[w->n++] = RINGPROF_END_MARK | end_of(w, s, max_stack);
}

static uint64_t hash_of(const struct walk *w)
{
	uint64_t h = w->n;

	for (uint32_t i = 0; i < w->n; i++) {
		h = (h ^ w->addr[i]) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}
	return h;
}

static bool is_chain(const struct chains *c, uint32_t id, const struct walk *w)
{
	for (uint32_t i = 0; i < w->n; i++, id = chain_parent(c, id))
		if (!id || chain_addr(c, id) != w->addr[i])
			return false;
	return !id;
}

static uint32_t intern(struct chains *c, const struct walk *w)
{
	uint32_t id = 0;

	for (uint32_t i = w->n; i-- && id != CHAIN_NONE;)
		id = chain_intern(c, id, w->addr[i]);
	return id;
}

uint32_t perf_chain(struct perf_chain_cache *cache, struct chains *c, const struct perf_sample *s,
		    uint32_t max_stack, uint32_t *flags)
{
	struct walk w;
	uint64_t hash;
	size_t at;

	collect(&w, s, max_stack);
	cache->frames += w.frames;
	*flags = (s->kernel ? RINGPROF_SAMPLE_KERNEL : 0) |
		 (w.user_frames ? RINGPROF_SAMPLE_USER_FP : 0);
	hash = hash_of(&w);
	at = hash & (PERF_CHAIN_CACHE - 1);
	if (cache->entries[at].chain && cache->entries[at].hash == hash &&
	    cache->entries[at].generation == chains_generation(c) &&
	    is_chain(c, cache->entries[at].chain, &w)) {
		cache->hits++;
		return cache->entries[at].chain;
	}
	cache->entries[at].chain = intern(c, &w);
	cache->entries[at].hash = hash;
	cache->entries[at].generation = chains_generation(c);
	if (cache->entries[at].chain != CHAIN_NONE)
		return cache->entries[at].chain;
	cache->entries[at].chain = 0;
	return CHAIN_NONE;
}
