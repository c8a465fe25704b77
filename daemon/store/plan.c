// SPDX-License-Identifier: GPL-2.0
/*
 * Which windows answer a range. All that overlap are looked at, tier by tier:
 * first the coarse ones that lie wholly inside, then memory, then the finest
 * tier, which fills the edges; last whatever covers what is left, for of old
 * times nothing fine is kept. A window is taken if none of its tens was: each
 * window says which tens it covers, so it does not matter what the clock did.
 *
 * A range that memory covers is answered from memory alone, in full detail.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "store/feed.h"
#include "store/history.h"
#include "store/match.h"

struct plan {
	struct store *s;
	const struct store_ask *ask;
	uint64_t longest;
	struct picks *picks;
	size_t sorted; /* picks[0 .. sorted) are in order of (origin, tens) */
	uint64_t own;  /* origin of memory */
	bool foreign;  /* other origins are taken, too */
};

static void pick_free(struct pick *k)
{
	window_unref(k->w);
	hfile_unref(k->f);
}

void picks_free(struct picks *p)
{
	for (size_t i = 0; i < p->n; i++)
		pick_free(&p->p[i]);
	free(p->p);
	memset(p, 0, sizeof(*p));
}

/* Was one of the tens [first, last] taken in an earlier pass? */
static bool taken(const struct plan *p, uint64_t origin, uint64_t first, uint64_t last)
{
	size_t lo = 0, hi = p->sorted;

	/* the first pick that ends at or after `first` */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct pick *k = &p->picks->p[mid];

		if (k->origin < origin || (k->origin == origin && k->last_seq < first))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->sorted && p->picks->p[lo].origin == origin &&
	       p->picks->p[lo].first_seq <= last;
}

static int add(struct plan *p, const struct pick *one)
{
	struct picks *k = p->picks;
	struct pick *a = array_room(k->p, &k->cap, k->n + 1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	k->p = a;
	a[k->n++] = *one;
	if (one->w)
		window_ref(one->w);
	if (one->f)
		hfile_ref(one->f);
	return 0;
}

static int by_tens(const void *va, const void *vb)
{
	const struct pick *a = va, *b = vb;

	if (a->origin != b->origin)
		return a->origin < b->origin ? -1 : 1;
	if (a->first_seq != b->first_seq)
		return a->first_seq < b->first_seq ? -1 : 1;
	return (a->last_seq > b->last_seq) - (a->last_seq < b->last_seq);
}

static void end_pass(struct plan *p)
{
	if (p->picks->n > p->sorted)
		qsort(p->picks->p, p->picks->n, sizeof(*p->picks->p), by_tens);
	p->sorted = p->picks->n;
}

static int pass_memory(struct plan *p)
{
	struct store *s = p->s;

	for (size_t i = 0; i < s->n; i++) {
		const struct store_item *it = &s->w[s->head + i];
		struct pick k = { .from = it->w->wall_start,
				  .to = window_wall_end(it->w),
				  .first_seq = it->seq,
				  .last_seq = it->seq,
				  .origin = p->own,
				  .tier = TIER_MEMORY,
				  .w = it->w };

		if (k.from >= p->ask->to || k.to <= p->ask->from ||
		    taken(p, p->own, it->seq, it->seq))
			continue;
		if (add(p, &k))
			return -ENOMEM;
	}
	end_pass(p);
	return 0;
}

/* With the history's lock. inside: only windows wholly in the range, and not too long. */
static int pass_file(struct plan *p, struct hfile *f, bool inside)
{
	for (size_t i = 0; i < f->n_rows; i++) {
		const struct hrow *r = &f->rows[i];
		struct pick k = { .from = r->from,
				  .to = r->to,
				  .first_seq = r->first_seq,
				  .last_seq = r->last_seq,
				  .origin = f->origin,
				  .tier = f->tier,
				  .f = f,
				  .row = *r };

		if (k.from >= p->ask->to || k.to <= p->ask->from)
			continue;
		if (inside &&
		    (k.from < p->ask->from || k.to > p->ask->to || k.to - k.from > p->longest))
			continue;
		if (!taken(p, f->origin, k.first_seq, k.last_seq) && add(p, &k))
			return -ENOMEM;
	}
	return 0;
}

static int pass_tier(struct plan *p, struct history *h, uint32_t tier, bool pins, bool inside)
{
	int r = 0;

	for (size_t i = 0; !r && i < h->n_files; i++) {
		struct hfile *f = h->files[i];

		if (f->bad || f->is_pin != pins || (!pins && f->tier != tier) ||
		    (!p->foreign && f->origin != p->own))
			continue;
		r = pass_file(p, f, inside);
		/* a pin may hold what another one holds */
		if (pins)
			end_pass(p);
	}
	end_pass(p);
	return r;
}

static int passes(struct plan *p, struct history *h)
{
	int r = 0;

	for (unsigned int t = TIER_1H; !r && t > TIER_10S; t--)
		r = pass_tier(p, h, t, false, true);
	if (!r)
		r = pass_memory(p);
	if (!r)
		r = pass_tier(p, h, TIER_10S, false, false);
	if (!r)
		r = pass_tier(p, h, TIER_10S, true, false);
	for (unsigned int t = TIER_1M; !r && t <= TIER_1H; t++)
		r = pass_tier(p, h, t, false, false);
	return r;
}

/* Is the range, as far as there is anything of it, in memory? */
static bool memory_covers(const struct store *s, const struct store_ask *ask)
{
	return s->n && s->w[s->head].w->wall_start <= ask->from;
}

/* Files before i of the same origin that are in the range, too: it is counted by then. */
static bool counted(const struct plan *p, const struct history *h, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (h->files[k]->origin == h->files[i]->origin &&
		    hfile_overlaps(h->files[k], p->ask->from, p->ask->to))
			return true;
	return false;
}

static void count_others(struct plan *p, const struct history *h)
{
	for (size_t i = 0; i < h->n_files; i++)
		if (h->files[i]->origin != p->own &&
		    hfile_overlaps(h->files[i], p->ask->from, p->ask->to) && !counted(p, h, i))
			p->picks->other_hosts++;
}

static int plan_all(struct plan *p)
{
	struct history *h = p->s->history;
	int r;

	/* of windows on disk nobody can tell whether such a selector takes them */
	if (!h || store_match_needs_memory(p->ask->sel))
		return pass_memory(p);
	r = 0;
	if (memory_covers(p->s, p->ask))
		r = pass_memory(p);
	pthread_mutex_lock(&h->lock);
	if (!r)
		r = passes(p, h);
	if (!p->foreign)
		count_others(p, h);
	pthread_mutex_unlock(&h->lock);
	return r;
}

/* ---- by host ---- */

/* 1: its windows may be of a host that the selector takes; 0: none is; or an error. */
static int of_such_host(const struct history *h, const struct pick *k, const struct selector *sel)
{
	int r;

	if (!k->w) {
		r = hfile_has_host(k->f, sel);
		/* what cannot be read is found, and told, when it is read */
		return r == -EBADMSG || r == -EIO ? 1 : r;
	}
	r = h ? store_match_host(sel, h->host) : 0;
	return r ? r : store_match_host_of(sel, k->w->model);
}

/*
 * A selector of some hosts: windows of the others go, whole, for their length
 * is no time of those. Without locks: a dictionary may have to be read.
 */
static int drop_other_hosts(struct plan *p)
{
	struct history *h = p->s->history;
	struct picks *k = p->picks;
	const void *source = NULL; /* of the window before: its file, or its model */
	size_t n = 0;
	int r = 0, err = 0;

	for (size_t i = 0; i < k->n; i++) {
		const struct pick *one = &k->p[i];
		const void *now = one->f ? (const void *)one->f : one->w->model;

		if (now != source && !err) {
			r = of_such_host(h, one, p->ask->sel);
			err = r < 0 ? r : 0;
			if (h)
				history_trim_cache(h);
		}
		source = now;
		if (r > 0)
			k->p[n++] = *one;
		else
			pick_free(&k->p[i]);
	}
	k->n = n;
	return err;
}

/* The clock may have been set: in order of wall time, then as recorded. */
static int by_time(const void *va, const void *vb)
{
	const struct pick *a = va, *b = vb;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return by_tens(va, vb);
}

static void plan_init(struct plan *p, struct store *s, const struct store_ask *ask,
		      struct picks *ret)
{
	memset(ret, 0, sizeof(*ret));
	*p = (struct plan){ .s = s,
			    .ask = ask,
			    .picks = ret,
			    .longest = ask->step ? ask->step : ask->to - ask->from,
			    .own = s->history ? s->history->origin : 0,
			    .foreign = ask->all_hosts || store_match_names_host(ask->sel) };
}

static int plan_end(struct plan *p, int r)
{
	if (!r && p->picks->n)
		qsort(p->picks->p, p->picks->n, sizeof(*p->picks->p), by_time);
	if (!r && store_match_names_host(p->ask->sel))
		r = drop_other_hosts(p);
	if (r)
		picks_free(p->picks);
	return r;
}

int feed_plan(struct store *s, const struct store_ask *ask, struct picks *ret)
{
	struct plan p;
	int r;

	plan_init(&p, s, ask, ret);
	if (ask->to <= ask->from)
		return 0;
	pthread_mutex_lock(&s->lock);
	r = plan_all(&p);
	pthread_mutex_unlock(&s->lock);
	return plan_end(&p, r);
}

int feed_plan_raw(struct store *s, const struct store_ask *ask, struct picks *ret)
{
	struct plan p;
	int r;

	plan_init(&p, s, ask, ret);
	if (!s->history)
		return 0;
	pthread_mutex_lock(&s->history->lock);
	r = pass_tier(&p, s->history, TIER_RAW, false, false);
	pthread_mutex_unlock(&s->history->lock);
	return plan_end(&p, r);
}
