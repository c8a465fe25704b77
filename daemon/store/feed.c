// SPDX-License-Identifier: GPL-2.0
/*
 * store_feed and store_series: windows are picked first (plan.c, under the
 * lock), then read and told one by one, without it. What is found damaged on
 * the way is left out, and the writer told to set the file aside.
 */
#include "store/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "store/history.h"
#include "store/match.h"

static int wanted(const struct store_ask *ask)
{
	if (ask->cancelled && __atomic_load_n(ask->cancelled, __ATOMIC_RELAXED))
		return -ECANCELED;
	return ask->deadline && mono_now() >= ask->deadline ? -ETIMEDOUT : 0;
}

static void note_used(struct store_used *u, const struct pick *p, const struct window *w)
{
	if (!window_sampled(w))
		return;
	u->windows[p->tier]++;
	if (!u->to || p->from < u->from)
		u->from = p->from;
	if (p->to > u->to)
		u->to = p->to;
}

/* of one feed */
struct reading {
	struct store_used used;
	const struct hfile *failed; /* the last that could not be read */
};

/*
 * A damaged file is the writer's to set aside; one that the disk did not give
 * now is asked again next time. The others answer. 0, or what ends the feed.
 */
static int after_read(struct store *s, const struct pick *p, struct reading *rd, int r)
{
	if (r != -EBADMSG && r != -EIO)
		return r;
	if (r == -EBADMSG)
		history_found_bad(s->history, p->f, "a window in it cannot be read");
	else
		history_found_unreadable(s->history, p->f);
	rd->used.files_refused += rd->failed != p->f;
	rd->failed = p->f;
	return 0;
}

static int feed_one(struct store *s, const struct store_ask *ask, const struct pick *p,
		    window_fn fn, void *arg, struct reading *rd)
{
	struct window *w = NULL;
	int r;

	if (p->w) {
		note_used(&rd->used, p, p->w);
		return fn(arg, p->w);
	}
	/* one refusal a file: the rest of it is not tried */
	if (history_is_bad(s->history, p->f))
		return 0;
	r = hfile_window(p->f, &p->row, ask->sel, ask->totals_only, &w);
	if (r)
		return after_read(s, p, rd, r);
	note_used(&rd->used, p, w);
	r = fn(arg, w);
	window_unref(w);
	return r;
}

int store_feed(struct store *s, const struct store_ask *ask, window_fn fn, void *arg,
	       struct store_used *ret)
{
	struct picks picks;
	int r = feed_plan(s, ask, &picks);
	struct reading rd = { .used.other_hosts = picks.other_hosts };

	for (size_t i = 0; !r && i < picks.n; i++) {
		r = wanted(ask);
		if (!r)
			r = feed_one(s, ask, &picks.p[i], fn, arg, &rd);
		/* dictionaries of many files: not all at once in memory */
		if (s->history && (i + 1 == picks.n || picks.p[i].f != picks.p[i + 1].f))
			history_trim_cache(s->history);
	}
	picks_free(&picks);
	if (ret)
		*ret = rd.used;
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
	return fn(arg, w->wall_start, to, window_sampled(w), NULL, lost.samples, lost.weight);
}

static int series_of_memory(const struct store_ask *ask, const struct window *w, series_fn fn,
			    void *arg)
{
	cleanup_free struct total *sums = NULL;
	uint64_t to = window_wall_end(w);
	uint32_t counts[6];
	int r;

	if (!window_sampled(w))
		return 0;
	model_counts(w->model, counts);
	sums = calloc(counts[3] + 1U, sizeof(*sums));
	if (!sums)
		return -ENOMEM;
	r = add_entries(ask, w, sums, counts[3]);
	if (!r)
		r = tell_lost(w, to, fn, arg);
	for (uint32_t i = 0; !r && i < counts[3]; i++)
		if (sums[i].samples || sums[i].weight)
			r = fn(arg, w->wall_start, to, window_sampled(w), model_series(w->model, i),
			       sums[i].samples, sums[i].weight);
	return r;
}

static int series_one(struct store *s, const struct store_ask *ask, const struct pick *p,
		      series_fn fn, void *arg)
{
	struct reading unused = { 0 };
	int r;

	if (p->w)
		return series_of_memory(ask, p->w, fn, arg);
	if (history_is_bad(s->history, p->f))
		return 0;
	r = hfile_series(p->f, &p->row, ask->sel, fn, arg);
	return r < 0 ? after_read(s, p, &unused, r) : r;
}

int store_series(struct store *s, const struct store_ask *ask, series_fn fn, void *arg)
{
	struct picks picks;
	int r = feed_plan(s, ask, &picks);

	for (size_t i = 0; !r && i < picks.n; i++) {
		r = wanted(ask);
		if (!r)
			r = series_one(s, ask, &picks.p[i], fn, arg);
		if (s->history && (i + 1 == picks.n || picks.p[i].f != picks.p[i + 1].f))
			history_trim_cache(s->history);
	}
	picks_free(&picks);
	return r;
}

/* ---- single samples ---- */

bool store_keeps_raw(struct store *s)
{
	struct history *h = s->history;
	bool r;

	if (!h)
		return false;
	pthread_mutex_lock(&h->lock);
	r = history_raw_share(h) > 0;
	pthread_mutex_unlock(&h->lock);
	return r;
}

static int raw_one(struct store *s, const struct pick *p, raw_fn fn, void *arg)
{
	cleanup_free struct raw_sample *samples = NULL;
	struct reading unused = { 0 };
	struct window *w;
	uint32_t n;
	int r;

	if (history_is_bad(s->history, p->f))
		return 0;
	r = hfile_raw(p->f, &p->row, &w, &samples, &n);
	if (r)
		return after_read(s, p, &unused, r);
	r = fn(arg, w, samples, n);
	window_unref(w);
	return r;
}

int store_raw(struct store *s, const struct store_ask *ask, raw_fn fn, void *arg)
{
	struct picks picks;
	int r = feed_plan_raw(s, ask, &picks);

	for (size_t i = 0; !r && i < picks.n; i++) {
		r = wanted(ask);
		if (!r)
			r = raw_one(s, &picks.p[i], fn, arg);
	}
	if (s->history)
		history_trim_cache(s->history);
	picks_free(&picks);
	return r;
}

/* ---- what there is ---- */

static void tier_of(struct history *h, unsigned int t, struct tier_info *ret)
{
	*ret = (struct tier_info){ .name = history_names[t],
				   .step = history_steps[t],
				   .max_age = h->cfg.max_age[t],
				   .guaranteed = history_share(h, TIER_10S + t) };
	for (size_t i = 0; i < h->n_files; i++) {
		const struct hfile *f = h->files[i];

		if (f->is_pin || f->tier != TIER_10S + t)
			continue;
		ret->bytes += f->bytes;
		ret->windows += f->n_rows;
		for (size_t k = 0; k < f->n_rows; k++) {
			if (!ret->oldest || f->rows[k].from < ret->oldest)
				ret->oldest = f->rows[k].from;
			if (f->rows[k].to > ret->newest)
				ret->newest = f->rows[k].to;
		}
	}
}

size_t store_tiers(struct store *s, struct tier_info *ret, size_t max)
{
	struct store_counters c;
	size_t n = 1;

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
	if (!s->history)
		return n;
	pthread_mutex_lock(&s->history->lock);
	for (unsigned int t = 0; t < HISTORY_TIERS && n < max; t++)
		tier_of(s->history, t, &ret[n++]);
	pthread_mutex_unlock(&s->history->lock);
	return n;
}
