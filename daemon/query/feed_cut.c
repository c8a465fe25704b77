// SPDX-License-Identifier: GPL-2.0
/*
 * A short range is answered to the moment where the store has single samples
 * of all of it: windows at its ends are cut, and what is in them is what was
 * sampled inside of the range.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "query/feed_int.h"
#include "query/selector.h"

#define CUT_MAX_NS (60 * NSEC_PER_SEC) /* a longer range is hardly changed by its ends */

struct cut {
	uint64_t from, to; /* wall ns */
	const struct selector *sel;
	window_fn fn;
	void *arg;
	struct store_used *used;
};

bool feed_can_cut(const struct query_env *env, const struct query_input *in,
		  const struct selector *sel)
{
	struct history_counters c;

	/* what was recorded just now may not be among the single samples yet */
	return in->to > in->from && in->to - in->from <= CUT_MAX_NS &&
	       store_raw_covers(env->store, in->from, in->to, sel) &&
	       history_counters(env->store, &c) && c.raw_newest >= in->to;
}

/* Its share by time of what is known of the whole window alone; of few not nothing. */
static uint64_t part(uint64_t value, const struct window *c, const struct window *w)
{
	uint64_t all = w->end - w->start;

	return (uint64_t)(((unsigned __int128)value * (c->end - c->start) + all - 1) / all);
}

static int cut_losses(struct window *c, const struct window *w)
{
	c->losses = malloc((w->n_losses + 1U) * sizeof(*c->losses));
	if (!c->losses)
		return -ENOMEM;
	c->n_losses = w->n_losses;
	for (uint32_t i = 0; i < w->n_losses; i++)
		c->losses[i] = (struct window_loss){ .mark = w->losses[i].mark,
						     .count = part(w->losses[i].count, c, w),
						     .weight = part(w->losses[i].weight, c, w) };
	return 0;
}

/* counts: samples of each entry, so far. The CPU of an entry of several is one that sel takes. */
static int cut_entries(const struct cut *k, struct window *c, const struct window *w,
		       const struct raw_sample *s, uint32_t n, uint32_t *counts)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct window_entry *whole = &w->entries[s[i].entry];
		struct window_entry *e = &c->entries[s[i].entry];
		uint64_t time = w->wall_start + s[i].us * UINT64_C(1000);
		uint64_t weight = raw_sample_weight(whole, counts[s[i].entry]++);
		int r = match_cpu(k->sel, s[i].cpu);

		if (r < 0)
			return r;
		if (!r || time < k->from || time >= k->to)
			continue;
		*e = (struct window_entry){ .stack = whole->stack,
					    .thread = whole->thread,
					    .flags = whole->flags,
					    .cpu = s[i].cpu,
					    .count = e->count + 1,
					    .weight = e->weight + weight };
		c->samples++;
		c->weight += weight;
	}
	return 0;
}

/* Without those that nothing is left of. */
static void close_up(struct window *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n_entries; i++)
		if (c->entries[i].count)
			c->entries[n++] = c->entries[i];
	c->n_entries = n;
}

static struct window *begin_cut(const struct cut *k, const struct window *w)
{
	struct window *c = calloc(1, sizeof(*c));
	uint64_t from = w->wall_start, to = from + (w->end - w->start);

	if (!c)
		return NULL;
	from = from < k->from ? k->from : from;
	to = to > k->to ? k->to : to;
	*c = (struct window){ .refs = 1,
			      .model = model_ref(w->model),
			      .start = w->start + (from - w->wall_start),
			      .end = w->start + (to - w->wall_start),
			      .wall_start = from,
			      .period = w->period,
			      .unit = w->unit,
			      .cpus = w->cpus,
			      .n_entries = w->n_entries };
	c->idle = part(w->idle, c, w);
	c->unsampled = part(w->unsampled, c, w);
	c->entries = calloc(w->n_entries + 1UL, sizeof(*c->entries));
	if (c->entries && !cut_losses(c, w))
		return c;
	window_unref(c);
	return NULL;
}

/* Are all samples of the window there by themselves? */
static bool complete(const struct window *w, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < w->n_entries; i++)
		sum += w->entries[i].count;
	return sum == n;
}

static int cut_window(void *arg, struct window *w, const struct raw_sample *s, uint32_t n)
{
	const struct cut *k = arg;
	struct window *c;
	uint32_t *counts;
	int r;

	if (w->end <= w->start)
		return 0;
	k->used->raw++;
	/* of one that lacks some nobody knows what the cut would have */
	if (!complete(w, n))
		return k->fn(k->arg, w);
	c = begin_cut(k, w);
	counts = calloc(w->n_entries + 1UL, sizeof(*counts));
	r = c && counts ? cut_entries(k, c, w, s, n, counts) : -ENOMEM;
	if (!r) {
		close_up(c);
		r = k->fn(k->arg, c);
	}
	free(counts);
	window_unref(c);
	return r;
}

int feed_cut(const struct query_env *env, const struct store_ask *ask, const struct selector *sel,
	     window_fn fn, void *arg, struct store_used *used)
{
	struct store_used unused = { 0 };
	struct cut k = { .from = ask->from,
			 .to = ask->to,
			 .sel = sel,
			 .fn = fn,
			 .arg = arg,
			 .used = used ? used : &unused };

	*k.used = (struct store_used){ .from = ask->from, .to = ask->to };
	return store_raw(env->store, ask, cut_window, &k);
}
