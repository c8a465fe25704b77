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

/* Context marks are neither. */
static bool is_user(uint64_t addr)
{
	return addr - MIN_USER_PC < (1ULL << 63) - MIN_USER_PC;
}

static bool is_kernel(uint64_t addr)
{
	/* bit 62 clear would be an end mark of ours */
	return addr >= 3ULL << 62 && addr < (uint64_t)PERF_CONTEXT_MAX;
}

static bool is_mark(uint64_t addr)
{
	return addr >= (uint64_t)PERF_CONTEXT_MAX;
}

static bool is_full(const struct walk *w)
{
	return w->n == CHAIN_MAX_DEPTH - 1; /* the end mark's place is kept */
}

/* The three takers give the place of the first address that they leave. */
static const uint64_t *take_user(struct walk *w, const uint64_t *p, const uint64_t *end)
{
	const uint64_t *from = p;
	uint32_t n = w->n;

	while (p < end && is_user(*p) && n < CHAIN_MAX_DEPTH - 1)
		w->addr[n++] = *p++;
	w->n = n;
	w->user_frames += (uint32_t)(p - from);
	/* what is behind a bad one cannot be believed */
	w->bad_pc = p < end && !is_user(*p) && !is_mark(*p);
	return p;
}

static const uint64_t *take_kernel(struct walk *w, const uint64_t *p, const uint64_t *end)
{
	uint32_t n = w->n;

	for (; p < end && !is_mark(*p) && n < CHAIN_MAX_DEPTH - 1; p++)
		if (is_kernel(*p))
			w->addr[n++] = *p;
	w->n = n;
	return p;
}

/* A guest's or hypervisor's, which we do not show. */
static const uint64_t *pass_over(const uint64_t *p, const uint64_t *end)
{
	while (p < end && !is_mark(*p))
		p++;
	return p;
}

static const uint64_t *take_part(struct walk *w, uint64_t context, const uint64_t *p,
				 const uint64_t *end)
{
	const uint64_t *from = p;

	/* the first frame is the sampled pc itself */
	if (!w->frames && p < end && !is_mark(*p)) {
		w->user_frames = context == (uint64_t)PERF_CONTEXT_USER;
		p++;
	}
	if (context == (uint64_t)PERF_CONTEXT_USER)
		p = take_user(w, p, end);
	else if (context == (uint64_t)PERF_CONTEXT_KERNEL)
		p = take_kernel(w, p, end);
	else
		p = pass_over(p, end);
	w->frames += (uint32_t)(p - from);
	w->too_deep = is_full(w) && p < end;
	return p;
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

/* The user part from elsewhere, below the kernel part that is there. */
static void append_user(struct walk *w, const struct perf_user *user, uint32_t max_stack)
{
	uint32_t room = CHAIN_MAX_DEPTH - 1 - w->n, n = user->n < room ? user->n : room;
	/* kernel frames that are missing would lie between the two parts */
	bool gap = w->too_deep || w->frames >= max_stack;

	memcpy(w->addr + w->n, user->addr, n * sizeof(*w->addr));
	w->n += n;
	w->frames += n;
	w->addr[w->n++] = RINGPROF_END_MARK | (gap	     ? RINGPROF_END_KDEPTH
					       : n < user->n ? RINGPROF_END_DEPTH
							     : user->end);
}

static void collect(struct walk *w, const struct perf_sample *s, const struct perf_user *user,
		    uint32_t max_stack)
{
	const uint64_t *p = s->ips, *end = p + s->n_ips;
	uint64_t context = 0;

	w->n = 0;
	w->frames = 0;
	w->user_frames = 0;
	w->bad_pc = false;
	w->too_deep = false;
	while (p < end && !w->bad_pc && !w->too_deep) {
		while (p < end && is_mark(*p))
			context = *p++;
		p = take_part(w, context, p, end);
	}
	if (user)
		append_user(w, user, max_stack);
	else
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

static uint32_t intern(struct chains *c, const struct walk *w)
{
	uint32_t id = 0;

	for (uint32_t i = w->n; i-- && id != CHAIN_NONE;)
		id = chain_intern(c, id, w->addr[i]);
	return id;
}

uint32_t perf_chain(struct perf_chain_cache *cache, struct chains *c, const struct perf_sample *s,
		    const struct perf_user *user, uint32_t max_stack, uint32_t *flags)
{
	struct walk w;
	uint64_t hash;
	size_t at;

	collect(&w, s, user, max_stack);
	cache->frames += w.frames;
	*flags = (s->kernel ? RINGPROF_SAMPLE_KERNEL : 0) |
		 (w.user_frames ? RINGPROF_SAMPLE_USER_FP : 0) | (user ? user->flags : 0);
	hash = hash_of(&w);
	at = hash & (PERF_CHAIN_CACHE - 1);
	if (cache->entries[at].chain && cache->entries[at].hash == hash &&
	    cache->entries[at].generation == chains_generation(c) &&
	    chain_equals(c, cache->entries[at].chain, w.addr, w.n)) {
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
