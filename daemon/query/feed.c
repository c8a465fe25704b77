// SPDX-License-Identifier: GPL-2.0
/*
 * Input -> windows. "The busiest 10 %" needs two readings: the first asks the
 * store for sums alone (no stack is read), the second passes on the windows
 * whose middle lies in a stretch that the first chose.
 */
#include "query/feed_int.h"

#include <errno.h>
#include <stdlib.h>

#include "store/match.h"

#define MAX_STRETCHES (1U << 20)
#define CHOICE	      50 /* windows to choose the busiest from, at least */

struct stretch {
	uint64_t from, to; /* wall ns */
	uint64_t sampled, weight;
};

struct busiest {
	struct stretch *s;
	uint32_t n, cap;
	struct budget *budget;
	window_fn fn;
	void *arg;
};

static int add_series(void *arg, uint64_t from, uint64_t to, uint64_t sampled,
		      const struct model_series *labels, uint64_t samples, uint64_t weight)
{
	struct busiest *b = arg;

	if (!labels) { /* a window begins; its losses do not make it busy */
		if (b->n == MAX_STRETCHES ||
		    BUDGET_ROOM(b->budget, b->s, b->cap, (uint64_t)b->n + 1))
			return -ENOMEM;
		b->s[b->n++] = (struct stretch){ .from = from, .to = to, .sampled = sampled };
		return 0;
	}
	if (b->n)
		b->s[b->n - 1].weight += weight;
	return 0;
}

static double rate(const struct stretch *s)
{
	return s->sampled ? (double)s->weight / (double)s->sampled : 0;
}

static int by_rate(const void *pa, const void *pb)
{
	const struct stretch *a = pa, *b = pb;

	if (rate(a) != rate(b))
		return rate(a) > rate(b) ? -1 : 1;
	return a->from < b->from ? -1 : a->from > b->from;
}

static int by_time(const void *pa, const void *pb)
{
	const struct stretch *a = pa, *b = pb;

	return a->from < b->from ? -1 : a->from > b->from;
}

/* Keeps the busiest stretches, at least one, in order of time. */
static void choose(struct busiest *b, double part)
{
	uint32_t keep = (uint32_t)((double)b->n * part + 0.5);

	if (!b->n)
		return;
	qsort(b->s, b->n, sizeof(*b->s), by_rate);
	b->n = keep ? keep : 1;
	qsort(b->s, b->n, sizeof(*b->s), by_time);
}

static int pass_on(void *arg, struct window *w)
{
	struct busiest *b = arg;
	uint64_t middle = w->wall_start + (w->end - w->start) / 2;
	uint32_t lo = 0, hi = b->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (b->s[mid].to <= middle)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < b->n && b->s[lo].from <= middle ? b->fn(b->arg, w) : 0;
}

static int feed_busiest(struct store *store, struct store_ask *ask, double part, struct busiest *b,
			struct store_used *used)
{
	int r = store_series(store, ask, add_series, b);

	if (r)
		return r;
	choose(b, part);
	return store_feed(store, ask, pass_on, b, used);
}

int query_feed(const struct query_env *env, const struct query_input *in,
	       const struct selector *sel, struct budget *budget, window_fn fn, void *arg,
	       struct store_used *used)
{
	struct store_ask ask = { .from = in->from,
				 .to = in->to,
				 .step = in->step,
				 .sel = selector_is_all(sel) ? NULL : sel,
				 .cancelled = budget->cancelled,
				 .deadline = budget->deadline };
	struct busiest b = { .budget = budget, .fn = fn, .arg = arg };
	uint64_t from, to;
	int r = 0;

	if (in->list) {
		for (size_t i = 0; !r && i < in->list->n; i++)
			r = fn(arg, in->list->w[i]);
		return r;
	}
	if (!in->busiest && feed_can_cut(env, in, sel))
		return feed_cut(env, &ask, sel, fn, arg, used);
	if (!in->busiest)
		return store_feed(env->store, &ask, fn, arg, used);
	/* few windows could not be chosen from */
	if (query_extent(env, in, sel, &from, &to) &&
	    (!ask.step || ask.step > (to - from) / CHOICE))
		ask.step = (to - from) / CHOICE > WINDOW_NS ? (to - from) / CHOICE : WINDOW_NS;
	r = feed_busiest(env->store, &ask, in->busiest, &b, used);
	free(b.s);
	return r;
}

static void list_extent(const struct window_list *l, uint64_t *from, uint64_t *to)
{
	const struct window *last = l->w[l->n - 1];

	*from = l->w[0]->wall_start;
	*to = last->wall_start + (last->end - last->start);
}

struct extent {
	const struct query_input *in;
	const struct selector *sel;
	uint64_t from, to;
};

static void widen(struct extent *e, uint64_t from, uint64_t to)
{
	e->from = from < e->from ? from : e->from;
	e->to = to > e->to ? to : e->to;
}

static int add_pin(void *arg, const struct store_pin *p)
{
	struct extent *e = arg;

	if (p->from >= e->in->to || p->to <= e->in->from)
		return 0;
	if (!*p->origin ||
	    (store_match_names_host(e->sel) && store_match_host(e->sel, p->origin) > 0))
		widen(e, p->from, p->to);
	return 0;
}

static void add_tiers(struct extent *e, struct store *s)
{
	struct tier_info tiers[8];
	size_t n = store_tiers(s, tiers, 8);

	for (size_t i = 0; i < n && i < 8; i++)
		if (tiers[i].windows && tiers[i].oldest < e->in->to &&
		    tiers[i].newest > e->in->from)
			widen(e, tiers[i].oldest, tiers[i].newest);
}

bool query_extent(const struct query_env *env, const struct query_input *in,
		  const struct selector *sel, uint64_t *from, uint64_t *to)
{
	struct extent e = { .in = in, .sel = sel, .from = UINT64_MAX };

	if (in->list) {
		if (in->list->n)
			list_extent(in->list, from, to);
		return in->list->n > 0;
	}
	add_tiers(&e, env->store);
	/* pins have what no tier reaches, and other hosts' time */
	if ((e.from >= e.to || store_match_names_host(sel)) && store_pins(env->store, add_pin, &e))
		return false;
	*from = in->from > e.from ? in->from : e.from;
	*to = in->to < e.to ? in->to : e.to;
	return *from < *to;
}
