// SPDX-License-Identifier: GPL-2.0
/*
 * store_feed and store_series: picks windows first (under the lock), then
 * reads and tells them one by one (without it).
 */
#include "store/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "store/match.h"

void picks_free(struct picks *p)
{
	for (size_t i = 0; i < p->n; i++)
		window_unref(p->p[i].w);
	free(p->p);
	memset(p, 0, sizeof(*p));
}

static int pick_add(struct picks *p, const struct pick *one)
{
	struct pick *a = array_room(p->p, &p->cap, p->n + 1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	p->p = a;
	p->p[p->n++] = *one;
	return 0;
}

/* With the lock held. */
static int pick_memory(struct store *s, const struct store_ask *ask, struct picks *ret)
{
	for (size_t i = 0; i < s->n; i++) {
		struct store_item *it = &s->w[s->head + i];
		struct pick p = { .from = it->w->wall_start,
				  .to = window_wall_end(it->w),
				  .first_seq = it->seq,
				  .last_seq = it->seq,
				  .tier = TIER_MEMORY,
				  .w = it->w };

		if (p.from >= ask->to || p.to <= ask->from)
			continue;
		if (pick_add(ret, &p))
			return -ENOMEM;
		window_ref(it->w);
	}
	return 0;
}

/* The clock may have been set: in order of wall time, then as recorded. */
static int by_time(const void *va, const void *vb)
{
	const struct pick *a = va, *b = vb;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->first_seq != b->first_seq)
		return a->first_seq < b->first_seq ? -1 : 1;
	return (a->to > b->to) - (a->to < b->to);
}

int feed_plan(struct store *s, const struct store_ask *ask, struct picks *ret)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	pthread_mutex_lock(&s->lock);
	r = pick_memory(s, ask, ret);
	pthread_mutex_unlock(&s->lock);
	if (r)
		picks_free(ret);
	else if (ret->n)
		qsort(ret->p, ret->n, sizeof(*ret->p), by_time);
	return r;
}

static int wanted(const struct store_ask *ask)
{
	if (ask->cancelled && __atomic_load_n(ask->cancelled, __ATOMIC_RELAXED))
		return -ECANCELED;
	return ask->deadline && mono_now() >= ask->deadline ? -ETIMEDOUT : 0;
}

static void note_used(struct store_used *u, const struct pick *p)
{
	u->windows[p->tier]++;
	if (!u->to || p->from < u->from)
		u->from = p->from;
	if (p->to > u->to)
		u->to = p->to;
}

int store_feed(struct store *s, const struct store_ask *ask, window_fn fn, void *arg,
	       struct store_used *ret)
{
	struct store_used used = { 0 };
	struct picks picks;
	int r = feed_plan(s, ask, &picks);

	for (size_t i = 0; !r && i < picks.n; i++) {
		r = wanted(ask);
		if (r)
			break;
		note_used(&used, &picks.p[i]);
		r = fn(arg, picks.p[i].w);
	}
	picks_free(&picks);
	if (ret)
		*ret = used;
	return r;
}

/* ---- totals ---- */

struct total {
	uint64_t samples, weight;
};

static int add_entries(const struct store_ask *ask, const struct window *w, struct total *sums,
		       uint32_t n)
{
	const struct window_entry *last = NULL;
	int r = 0;

	for (uint32_t i = 0; i < w->n_entries; i++) {
		const struct window_entry *e = &w->entries[i];
		uint32_t series =
			model_proc(w->model, model_thread(w->model, e->thread)->proc)->series;

		/* neighbours are often of one thread and CPU: asked once */
		if (!last || last->thread != e->thread || last->cpu != e->cpu)
			r = store_match_entry(ask->sel, w->model, e);
		if (r < 0)
			return r;
		last = e;
		if (!r || series >= n)
			continue;
		sums[series].samples += e->count;
		sums[series].weight += e->weight;
	}
	return 0;
}

static int tell_lost(const struct window *w, uint64_t to, series_fn fn, void *arg)
{
	struct total lost = { 0 };

	for (uint32_t i = 0; i < w->n_losses; i++) {
		lost.samples += w->losses[i].count;
		lost.weight += w->losses[i].weight;
	}
	return fn(arg, w->wall_start, to, NULL, lost.samples, lost.weight);
}

static int series_of_memory(const struct store_ask *ask, const struct window *w, series_fn fn,
			    void *arg)
{
	cleanup_free struct total *sums = NULL;
	uint64_t to = window_wall_end(w);
	uint32_t counts[6];
	int r;

	model_counts(w->model, counts);
	sums = calloc(counts[3] + 1U, sizeof(*sums));
	if (!sums)
		return -ENOMEM;
	r = add_entries(ask, w, sums, counts[3]);
	if (!r)
		r = tell_lost(w, to, fn, arg);
	for (uint32_t i = 0; !r && i < counts[3]; i++)
		if (sums[i].samples || sums[i].weight)
			r = fn(arg, w->wall_start, to, model_series(w->model, i), sums[i].samples,
			       sums[i].weight);
	return r;
}

int store_series(struct store *s, const struct store_ask *ask, series_fn fn, void *arg)
{
	struct picks picks;
	int r = feed_plan(s, ask, &picks);

	for (size_t i = 0; !r && i < picks.n; i++) {
		r = wanted(ask);
		if (!r)
			r = series_of_memory(ask, picks.p[i].w, fn, arg);
	}
	picks_free(&picks);
	return r;
}

size_t store_tiers(struct store *s, struct tier_info *ret, size_t max)
{
	struct store_counters c;

	if (!max)
		return 0;
	store_counters(s, &c);
	ret[0] = (struct tier_info){ .name = "memory",
				     .step = WINDOW_NS,
				     .oldest = c.oldest_wall,
				     .newest = c.newest_wall,
				     .bytes = c.bytes,
				     .windows = c.windows };
	pthread_mutex_lock(&s->lock);
	ret[0].max_age = s->cfg.max_age;
	ret[0].guaranteed = s->cfg.max_bytes;
	pthread_mutex_unlock(&s->lock);
	return 1;
}
