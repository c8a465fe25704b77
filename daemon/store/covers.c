// SPDX-License-Identifier: GPL-2.0
/*
 * Is a range there as single samples as well? Whoever answers from them leaves
 * out what they lack, so every window in the range, in memory or on disk, must
 * have its own.
 */
#include "base/clock.h"
#include "store/feed.h"
#include "store/history.h"
#include "store/match.h"

/* for the writer: a window whose names are known takes it some 10 ms */
#define WRITER_NS (200 * NSEC_PER_MSEC)

/* Windows that the selector takes, and that were never single samples here. */
static bool has_imported(struct store *s, uint64_t from, uint64_t to)
{
	struct history *h = s->history;
	bool found = false;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->n_files && !found; i++)
		found = h->files[i]->origin != h->origin && hfile_overlaps(h->files[i], from, to);
	pthread_mutex_unlock(&h->lock);
	return found;
}

static bool is_own(const struct history *h, const struct hfile *f, uint32_t tier)
{
	return !f->is_pin && !f->bad && f->tier == tier && f->origin == h->origin;
}

/* The first row that covers that ten, or one behind it. Rows stand in the order of their tens. */
static size_t first_row(const struct hfile *f, uint64_t seq)
{
	size_t low = 0, n = f->n_rows;

	while (n) {
		size_t half = n / 2;
		bool before = f->rows[low + half].last_seq < seq;

		low += before ? half + 1 : 0;
		n = before ? n - half - 1 : half;
	}
	return low;
}

/* How much of a window of these tens the rows have, ns; no two have the same. */
static uint64_t covered(const struct hfile *f, const struct hrow *w)
{
	uint64_t sum = 0;

	for (size_t i = first_row(f, w->first_seq);
	     i < f->n_rows && f->rows[i].first_seq <= w->last_seq; i++) {
		uint64_t from = f->rows[i].from > w->from ? f->rows[i].from : w->from;
		uint64_t to = f->rows[i].to < w->to ? f->rows[i].to : w->to;

		sum += to > from ? to - from : 0;
	}
	return sum;
}

/*
 * A ten is several windows where some were ended early: all of them must be
 * there. Those that do not meet, for the clock was set, have numbers of their own:
 * what is between them is no time that was recorded.
 */
static bool is_raw(const struct history *h, const struct hrow *w)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < h->n_files; i++)
		if (is_own(h, h->files[i], TIER_RAW))
			sum += covered(h->files[i], w);
	return sum + (w->last_seq - w->first_seq) * ROLL_SAME_TIME_NS >= w->to - w->from;
}

/* A daemon that was killed may have written a window, and not its samples yet. */
static bool tens_are_raw(struct history *h, uint64_t from, uint64_t to)
{
	bool all = true;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->n_files && all; i++) {
		const struct hfile *f = h->files[i];

		for (size_t k = 0; is_own(h, f, TIER_10S) && k < f->n_rows && all; k++)
			if (f->rows[k].from < to && f->rows[k].to > from)
				all = is_raw(h, &f->rows[k]);
	}
	pthread_mutex_unlock(&h->lock);
	return all;
}

static bool memory_is_raw(struct store *s, uint64_t from, uint64_t to)
{
	bool all = true;

	pthread_mutex_lock(&s->lock);
	pthread_mutex_lock(&s->history->lock);
	for (size_t i = 0; i < s->n && all; i++) {
		const struct store_item *it = &s->w[s->head + i];

		const struct hrow w = { .from = it->w->wall_start,
					.to = window_wall_end(it->w),
					.first_seq = it->seq,
					.last_seq = it->seq };

		if (w.from < to && w.to > from)
			all = is_raw(s->history, &w);
	}
	pthread_mutex_unlock(&s->history->lock);
	pthread_mutex_unlock(&s->lock);
	return all;
}

/* A window that was closed just now is being written: who asks for it would miss it. */
static bool windows_are_raw(struct store *s, uint64_t from, uint64_t to)
{
	uint64_t until = mono_now() + WRITER_NS;
	bool more = true;

	while (!memory_is_raw(s, from, to)) {
		if (!more)
			return false;
		more = history_wait(s->history, until);
	}
	return true;
}

void store_settle(struct store *s, uint64_t ns)
{
	if (s->history)
		history_wait(s->history, mono_now() + ns);
}

/* Before anything was recorded there is nothing that could be missing. */
bool store_raw_covers(struct store *s, uint64_t from, uint64_t to, const struct selector *sel)
{
	struct tier_info t[TIER_MAX];
	struct history_counters c;
	size_t n;

	if (from >= to || !s->history || !windows_are_raw(s, from, to))
		return false;
	if (!history_counters(s, &c) || c.raw_newest <= from ||
	    (store_match_names_host(sel) && has_imported(s, from, to)) ||
	    !tens_are_raw(s->history, from, to))
		return false;
	n = c.raw_oldest > from ? store_tiers(s, t, TIER_MAX) : 0;
	for (size_t i = 0; i < n; i++)
		if (t[i].windows && t[i].oldest < c.raw_oldest)
			return false;
	return true;
}
