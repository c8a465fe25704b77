// SPDX-License-Identifier: GPL-2.0
/*
 * A sample's way into the open window. The common case is two lookups and no
 * walk: (process, chain, leaf) -> stack in the cache, (stack, thread, cpu) in
 * the window. What changes a process's answers (exec, a new mapping, another
 * chain table or model) gives it a new owner number and so empties its part
 * of the cache.
 *
 * Collector thread, but for what agg.h says is for any thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agg/agg_internal.h"

static int agg_init(struct agg *a, const struct agg_config *cfg)
{
	a->max_model_bytes = cfg->max_model_bytes > AGG_MIN_MODEL ? cfg->max_model_bytes
								  : AGG_MIN_MODEL;
	a->max_series = cfg->max_series;
	a->names = strtab_new();
	if (!a->names || agg_set_labels(a, cfg) || cache_init(&a->stacks, AGG_CACHE_SETS) ||
	    cache_init(&a->nodes, AGG_NODE_SETS))
		return -ENOMEM;
	agg_take_labels(a);
	return a->model ? 0 : -ENOMEM;
}

struct agg *agg_new(const struct agg_config *cfg, struct chains *chains, struct symbols *symbols,
		    struct store *store)
{
	struct agg *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->chains = chains;
	a->symbols = symbols;
	a->store = store;
	if (agg_timeline_init(a)) {
		free(a);
		return NULL;
	}
	if (agg_stats_init(a) || agg_init(a, cfg)) {
		agg_free(a);
		return NULL;
	}
	return a;
}

void agg_free(struct agg *a)
{
	if (!a)
		return;
	agg_normalize_reset(a);
	model_unref(a->model);
	accum_free(&a->acc);
	cache_free(&a->stacks);
	cache_free(&a->nodes);
	agg_stats_free(a);
	agg_labels_free(a);
	strtab_free(a->names);
	agg_timeline_free(a);
	free(a);
}

void agg_set_ptable(struct agg *a, struct ptable *t)
{
	a->ptable = t;
}

void agg_set_jit(struct agg *a, struct jit *j)
{
	a->jit = j;
}

/* The slow half of proc_of: makes, or brings up to date, what is kept of a process. */
static struct agg_proc *proc_refresh(struct agg *a, struct process *p)
{
	struct agg_proc *u = p->user;
	const char *service;

	if (!u) {
		u = agg_proc_new(a, p);
		if (!u)
			return NULL;
	}
	u->owner = ++a->last_owner;
	if (u->jit && u->gen != p->gen)
		agg_jit_maps(u, p);
	u->gen = p->gen;
	u->chains_gen = chains_generation(a->chains);
	if (u->ready && u->labels_gen == p->labels_gen && u->model_gen == a->model_gen)
		return u;
	u->ready = false;
	u->model_gen = a->model_gen;
	u->last_thread = UINT32_MAX;
	u->proc = agg_model_proc(a, p, &service);
	if (u->proc == UINT32_MAX)
		return NULL;
	u->dropped = u->proc == AGG_PROC_DROPPED;
	agg_proc_rename(a, u, p, service);
	u->labels_gen = p->labels_gen;
	u->ready = true;
	return u;
}

static inline struct agg_proc *proc_of(struct agg *a, struct process *p)
{
	struct agg_proc *u = p->user;
	bool other_code = u && u->jit && jit_proc_advance(u->jit, a->now);

	if (u && !other_code && u->ready && u->gen == p->gen && u->labels_gen == p->labels_gen &&
	    u->model_gen == a->model_gen && u->chains_gen == chains_generation(a->chains))
		return u;
	return proc_refresh(a, p);
}

static inline uint32_t thread_of(struct agg *a, struct agg_proc *u, int32_t tid)
{
	if (u->last_tid != tid || u->last_thread == UINT32_MAX) {
		u->last_thread = model_add_thread(a->model, u->proc, tid);
		u->last_tid = tid;
	}
	return u->last_thread;
}

/* Stack of the sample in ret->stack, and its end; 0 or -ENOMEM. */
static int stack_of(struct agg *a, struct process *p, uint64_t owner, const struct event_sample *s,
		    struct cache_entry *ret)
{
	const struct cache_entry *hit = NULL;
	int r;

	if (!agg_is_fresh(a, s->chain))
		hit = cache_find(&a->stacks, owner, s->chain, s->leaf);
	if (hit) {
		*ret = *hit;
		stat_add(&a->c.cache_hits, 1);
		return 0;
	}
	*ret = (struct cache_entry){ .owner = owner, .chain = s->chain, .leaf = s->leaf };
	r = agg_normalize(a, p, ret);
	if (!r)
		*cache_put(&a->stacks, owner, s->chain, s->leaf) = *ret;
	stat_add(&a->c.model_bytes, model_bytes(a->model) - a->c.model_bytes);
	if (model_bytes(a->model) >= a->max_model_bytes) {
		a->full = true;
		a->quick = 0;
	}
	return r < 0 ? r : 0;
}

static void count_sample(struct agg *a, struct agg_proc *u, const struct cache_entry *e,
			 const struct event_sample *s)
{
	uint32_t end = e->end;
	struct agg_service *row = u->service;

	stat_add(s->flags & RINGPROF_SAMPLE_KERNEL ? &row->kernel_ns : &row->user_ns, s->weight);
	stat_add(&row->samples, 1);
	stat_add(&u->ns, s->weight);
	stat_add(&u->samples, 1);
	stat_add(&u->ends[end], 1);
	stat_add(end ? &a->c.stacks_truncated[end] : &a->c.stacks_whole, 1);
	if (end)
		stat_add(&a->binaries[e->binary].ends[end], 1);
	stat_add(&a->c.samples, 1);
	stat_add(&a->c.weight, s->weight);
}

static int add_sample(struct agg *a, struct process *p, const struct event *ev)
{
	struct agg_proc *u = proc_of(a, p);
	struct window_entry key = {
		.cpu = ev->cpu < UINT16_MAX ? (uint16_t)ev->cpu : UINT16_MAX,
		.flags = ev->sample.flags & RINGPROF_SAMPLE_KERNEL ? ENTRY_KERNEL : 0,
	};
	struct cache_entry e;
	int r;

	if (u && u->dropped) {
		stat_add(&a->c.relabel_dropped, 1);
		stat_add(&a->c.relabel_dropped_weight, ev->sample.weight);
		return 0;
	}
	if (!u || stack_of(a, p, u->owner, &ev->sample, &e))
		return -ENOMEM;
	key.stack = e.stack;
	key.thread = thread_of(a, u, ev->tid);
	if (key.thread == UINT32_MAX)
		return -ENOMEM;
	r = accum_add(&a->acc, &key, ev->sample.weight,
		      ev->time > a->start ? ev->time - a->start : 0);
	if (r)
		return r;
	if (a->acc.n >= ACCUM_MAX_ENTRIES) {
		a->full = true;
		a->quick = 0;
	}
	count_sample(a, u, &e, &ev->sample);
	return 0;
}

void agg_event(void *agg, const struct event *ev)
{
	struct agg *a = agg;
	struct process *p;

	if (ev->type != EV_SAMPLE) {
		ptable_event(a->ptable, ev);
		return;
	}
	a->now = ev->time;
	p = ptable_sample(a->ptable, ev);
	if (ev->time >= a->quick)
		agg_reach(a, ev->time);
	else if (ev->time < a->start)
		stat_add(&a->c.late, 1);
	if (!p || add_sample(a, p, ev)) {
		accum_lost(&a->acc, ACCUM_OUTCOMES + LOST_MEMORY, 1, ev->sample.weight);
		stat_add(&a->c.no_memory, 1);
	}
}
