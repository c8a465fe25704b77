// SPDX-License-Identifier: GPL-2.0
/*
 * Windows in memory, in order of time, under an age and a byte limit.
 *
 * A window's own bytes are known; a model's belong to all windows of it and
 * count once, as long as one of them is here. The newest model still grows
 * while the aggregator fills it, so sizes are asked anew at each addition.
 * The newest window always stays: with a limit below the size of one model
 * the store holds that one window.
 *
 * Any thread; one mutex, held for list work only: windows that fall out are
 * let go after it is released, as the last one of a model frees all of it.
 * What asks of memory and disk together is in feed.c.
 */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "store/history.h"

struct store *store_new(const struct store_config *cfg)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->events = events_new();
	if (!s->events) {
		free(s);
		return NULL;
	}
	s->cfg = *cfg;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	history_close(s->history);
	for (size_t i = 0; i < s->n; i++)
		window_unref(s->w[s->head + i].w);
	free(s->w);
	events_free(s->events);
	free(s->models);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static size_t store_bytes(const struct store *s)
{
	size_t n = s->window_bytes;

	for (size_t i = 0; i < s->n_models; i++)
		n += model_bytes(s->models[i].model);
	return n;
}

/* Room for one window more at the end; 0 or -ENOMEM. */
static int windows_room(struct store *s)
{
	struct store_item *w;

	if (s->head + s->n < s->cap)
		return 0;
	/* half of it lies free in front: move down instead of growing */
	if (s->cap && s->head >= s->cap / 2) {
		memmove(s->w, s->w + s->head, s->n * sizeof(*s->w));
		s->head = 0;
		return 0;
	}
	w = array_room(s->w, &s->cap, s->head + s->n + 1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	s->w = w;
	return 0;
}

/* The row of a model, made when new; NULL: no memory. */
static struct store_model *model_row(struct store *s, const struct model *m)
{
	struct store_model *rows;

	for (size_t i = s->n_models; i-- > 0;)
		if (s->models[i].model == m)
			return &s->models[i];
	rows = array_room(s->models, &s->cap_models, s->n_models + 1, sizeof(*rows));
	if (!rows)
		return NULL;
	s->models = rows;
	s->models[s->n_models] = (struct store_model){ .model = m };
	return &s->models[s->n_models++];
}

static void model_leave(struct store *s, const struct model *m)
{
	for (size_t i = 0; i < s->n_models; i++) {
		if (s->models[i].model != m)
			continue;
		if (!--s->models[i].windows) {
			s->n_models--;
			memmove(&s->models[i], &s->models[i + 1],
				(s->n_models - i) * sizeof(*s->models));
		}
		return;
	}
}

/* Takes the oldest window out, reference and all. */
static struct window *pop_oldest(struct store *s)
{
	struct window *w = s->w[s->head].w;

	s->head++;
	s->n--;
	s->window_bytes -= window_bytes(w);
	model_leave(s, w->model);
	return w;
}

static bool too_old(const struct store *s, const struct window *w)
{
	const struct window *newest = s->w[s->head + s->n - 1].w;

	return newest->end > s->cfg.max_age && w->end < newest->end - s->cfg.max_age;
}

/*
 * Takes out the windows over the limits: up to max of them into out; gives the
 * number. The rest goes at the next call. Pieces of one ten go together: what
 * is left of it would stand for all of it, and keep the disk's from the answer.
 */
static size_t trim(struct store *s, struct window **out, size_t max)
{
	uint64_t *why = &s->c.dropped_by_age; /* of the piece before, too */
	size_t n = 0;

	while (s->n > 1 && n < max) {
		if (too_old(s, s->w[s->head].w))
			why = &s->c.dropped_by_age;
		else if (store_bytes(s) > s->cfg.max_bytes)
			why = &s->c.dropped_by_budget;
		else if (!s->w[s->head].goes_on)
			break;
		++*why;
		out[n++] = pop_oldest(s);
	}
	return n;
}

/* Called with the lock held; gives it back in between. */
static void trim_all(struct store *s)
{
	struct window *out[64];
	size_t n;

	do {
		n = trim(s, out, ARRAY_SIZE(out));
		pthread_mutex_unlock(&s->lock);
		for (size_t i = 0; i < n; i++)
			window_unref(out[i]);
		pthread_mutex_lock(&s->lock);
	} while (n == ARRAY_SIZE(out));
}

void store_reconfigure(struct store *s, const struct store_config *cfg)
{
	pthread_mutex_lock(&s->lock);
	s->cfg = *cfg;
	trim_all(s);
	pthread_mutex_unlock(&s->lock);
}

/*
 * Does w go on where the newest window ended, in the same ten seconds? A clock that was
 * set by little leaves something between them, which makes no row of its own on disk.
 */
static bool goes_on(const struct store *s, const struct window *w)
{
	const struct window *last = s->n ? s->w[s->head + s->n - 1].w : NULL;

	return last && w->wall_start / WINDOW_NS == last->wall_start / WINDOW_NS &&
	       roll_is_near(w->wall_start, window_wall_end(last)) && w->unit == last->unit;
}

static int append(struct store *s, struct window *w)
{
	bool more = goes_on(s, w);
	struct store_model *row;

	if (windows_room(s))
		return -ENOMEM;
	row = model_row(s, w->model);
	if (!row)
		return -ENOMEM;
	row->windows++;
	if (!more || w->wall_start != window_wall_end(s->w[s->head + s->n - 1].w))
		s->seq++;
	s->w[s->head + s->n++] = (struct store_item){ .w = w, .seq = s->seq, .goes_on = more };
	s->window_bytes += window_bytes(w);
	if (s->history) {
		history_add(s->history, w, s->seq);
	} else {
		uint32_t n;

		free(window_take_events(w, &n));
	}
	return 0;
}

int store_add(struct store *s, struct window *w)
{
	int r;

	pthread_mutex_lock(&s->lock);
	r = append(s, w);
	if (!r)
		trim_all(s);
	pthread_mutex_unlock(&s->lock);
	if (r)
		window_unref(w);
	return r;
}

typedef bool (*overlap_fn)(const struct window *w, uint64_t from, uint64_t to);

static bool overlaps_mono(const struct window *w, uint64_t from, uint64_t to)
{
	return w->start < to && w->end > from;
}

static bool overlaps_wall(const struct window *w, uint64_t from, uint64_t to)
{
	return w->wall_start < to && window_wall_end(w) > from;
}

/* References to the windows among [first, last) that overlap; 0 or -ENOMEM. */
static int collect(struct store *s, size_t first, size_t last, overlap_fn overlaps, uint64_t from,
		   uint64_t to, struct window_list *ret)
{
	size_t n = 0;

	for (size_t i = first; i < last; i++)
		n += overlaps(s->w[s->head + i].w, from, to);
	if (!n)
		return 0;
	ret->w = malloc(n * sizeof(struct window *));
	if (!ret->w)
		return -ENOMEM;
	for (size_t i = first; i < last; i++)
		if (overlaps(s->w[s->head + i].w, from, to))
			ret->w[ret->n++] = window_ref(s->w[s->head + i].w);
	return 0;
}

/* The clock may have been set: wall times need not ascend, every window is looked at. */
int store_range(struct store *s, uint64_t wall_from, uint64_t wall_to, struct window_list *ret)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	pthread_mutex_lock(&s->lock);
	r = collect(s, 0, s->n, overlaps_wall, wall_from, wall_to, ret);
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* Number of windows that start before t. */
static size_t count_before(const struct store *s, uint64_t t)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->w[s->head + mid].w->start < t)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int store_range_mono(struct store *s, uint64_t from, uint64_t to, struct window_list *ret)
{
	size_t first;
	int r;

	memset(ret, 0, sizeof(*ret));
	pthread_mutex_lock(&s->lock);
	/* windows do not overlap: only the one before `from` may reach into the range */
	first = count_before(s, from);
	r = collect(s, first ? first - 1 : 0, count_before(s, to), overlaps_mono, from, to, ret);
	pthread_mutex_unlock(&s->lock);
	return r;
}

void window_list_free(struct window_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		window_unref(l->w[i]);
	free(l->w);
	memset(l, 0, sizeof(*l));
}

void store_counters(struct store *s, struct store_counters *ret)
{
	pthread_mutex_lock(&s->lock);
	*ret = s->c;
	ret->windows = s->n;
	ret->bytes = store_bytes(s);
	if (s->n) {
		const struct window *newest = s->w[s->head + s->n - 1].w;

		ret->oldest_wall = s->w[s->head].w->wall_start;
		ret->newest_wall = window_wall_end(newest);
	}
	pthread_mutex_unlock(&s->lock);
}

int store_event_add(struct store *s, const struct store_event *e, uint64_t *ret_id)
{
	struct store_event fresh = *e;

	fresh.id = 0;
	return events_add(s->events, &fresh, ret_id);
}

int store_events(struct store *s, uint64_t from, uint64_t to,
		 int (*fn)(void *arg, const struct store_event *e), void *arg)
{
	return events_list(s->events, from, to, fn, arg);
}
