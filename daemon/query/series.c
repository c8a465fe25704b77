// SPDX-License-Identifier: GPL-2.0
/*
 * Time lines. The store's totals come window by window: the first call of each
 * tells its length and losses, the others are added to their group's points.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agg/relabel.h"
#include "base/clock.h"
#include "query/series_int.h"
#include "store/match.h"

#define MIN_STEP     NSEC_PER_SEC
#define MIN_STEP_RAW NSEC_PER_MSEC
#define SETTLE_NS    (2 * NSEC_PER_SEC)

uint64_t series_step(uint64_t range, uint32_t max_points)
{
	static const uint32_t seconds[] = { 1,	  2,	5,     10,    15,    20,   30,
					    60,	  120,	300,   600,   900,   1200, 1800,
					    3600, 7200, 10800, 21600, 43200, 86400 };
	/* the ends are moved out to whole steps: one point more */
	uint64_t want = range / (max_points > 1 ? max_points - 1 : 1);

	want = want < WINDOW_NS ? WINDOW_NS : want; /* there is nothing finer to see */

	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++)
		if (seconds[i] * NSEC_PER_SEC >= want)
			return seconds[i] * NSEC_PER_SEC;
	return (want / (86400 * NSEC_PER_SEC) + 1) * (86400 * NSEC_PER_SEC);
}

static uint64_t *new_points(struct line *l)
{
	return budget_zalloc(&l->budget, l->s->n_points, sizeof(uint64_t));
}

/* value * part / whole, exact enough that the shares of one value sum to it */
static uint64_t share(uint64_t value, uint64_t part, uint64_t whole)
{
	return (uint64_t)((unsigned __int128)value * part / whole);
}

void line_spread(const struct series *s, uint64_t *points, uint64_t from, uint64_t to,
		 uint64_t value)
{
	uint64_t begin = from > s->from ? from : s->from, end = to < s->to ? to : s->to;

	while (begin < end) {
		uint64_t i = (begin - s->from) / s->step, stop = s->from + (i + 1) * s->step;

		stop = stop < end ? stop : end;
		points[i] += share(value, stop - from, to - from) -
			     share(value, begin - from, to - from);
		begin = stop;
	}
}

int line_window(struct line *l, uint64_t from, uint64_t to, uint64_t sampled, uint64_t lost_samples,
		uint64_t lost)
{
	struct series *s = l->s;

	uint64_t begin = l->hosts && l->until > from ? l->until : from;

	if (begin < to) {
		line_spread(s, s->covered, begin, to, share(sampled, to - begin, to - from));
		l->until = to;
	}
	line_spread(s, s->lost, from, to, lost);
	line_spread(s, s->lost_samples, from, to, lost_samples);
	return budget_check(&l->budget);
}

static int new_group(struct line *l, const uint32_t *ids, bool other, uint32_t *ret)
{
	struct series *s = l->s;
	struct series_group *g;

	if (BUDGET_ROOM(&l->budget, s->groups, l->cap_groups, (uint64_t)s->n_groups + 1))
		return -ENOMEM;
	g = &s->groups[s->n_groups];
	*g = (struct series_group){ .other = other, .first = UINT64_MAX };
	for (uint32_t i = 0; i < l->ask->n_group_by; i++)
		g->values[i] = other ? "" : strtab_get(s->strings, ids[i]);
	*ret = s->n_groups++;
	g->weight = new_points(l);
	g->samples = new_points(l);
	return g->weight && g->samples ? 0 : -ENOMEM;
}

static int other_group(struct line *l, uint32_t *ret)
{
	if (!l->other) {
		int r = new_group(l, NULL, true, ret);

		if (r)
			return r;
		l->other = *ret + 1;
	}
	*ret = l->other - 1;
	return 0;
}

int line_group(struct line *l, const struct model_series *labels, uint32_t *ret)
{
	struct series *s = l->s;
	uint32_t ids[SERIES_MAX_LABELS] = { 0 }, n = l->ask->n_group_by, i;
	uint64_t hash = 0;
	int r;

	for (i = 0; i < n; i++) {
		if (budget_text(&l->budget, s->strings, series_get(labels, l->ask->group_by[i]),
				&ids[i]))
			return -ENOMEM;
		hash = hash_mix(hash, ids[i]);
	}
	HMAP_FOR_EACH (&l->index, hash, it, i) {
		uint32_t k = 0;

		while (k < n && s->groups[i].values[k] == strtab_get(s->strings, ids[k]))
			k++;
		if (k == n) {
			*ret = i;
			return 0;
		}
	}
	if (s->n_groups - !!l->other >= SERIES_MAX_GROUPS)
		return other_group(l, ret);
	r = new_group(l, ids, false, ret);
	return r ? r : budget_hmap_insert(&l->budget, &l->index, hash, *ret);
}

static int add_series(void *arg, uint64_t from, uint64_t to, uint64_t sampled,
		      const struct model_series *labels, uint64_t samples, uint64_t weight)
{
	struct line *l = arg;
	struct series *s = l->s;
	struct series_group *g;
	uint32_t i;
	int r;

	if (to <= from)
		return 0;
	if (!labels)
		return line_window(l, from, to, sampled, samples, weight);
	r = line_group(l, labels, &i);
	if (r)
		return r;
	g = &s->groups[i];
	line_spread(s, g->weight, from, to, weight);
	line_spread(s, g->samples, from, to, samples);
	g->first = from < g->first ? from : g->first;
	g->last = to > g->last ? to : g->last;
	return 0;
}

/* ---- afterwards ---- */

static void add_up(struct series *s)
{
	for (uint32_t k = 0; k < s->n_groups; k++) {
		struct series_group *g = &s->groups[k];

		for (uint32_t i = 0; i < s->n_points; i++) {
			g->total += g->weight[i];
			g->total_samples += g->samples[i];
			s->weight[i] += g->weight[i];
			s->samples[i] += g->samples[i];
		}
		s->total += g->total;
	}
}

static int by_total(const void *pa, const void *pb)
{
	const struct series_group *a = pa, *b = pb;

	if (a->other != b->other)
		return a->other ? 1 : -1;
	if (a->total != b->total)
		return a->total > b->total ? -1 : 1;
	for (uint32_t i = 0; i < SERIES_MAX_LABELS && a->values[i]; i++) {
		int r = strcmp(a->values[i], b->values[i]);

		if (r)
			return r;
	}
	return 0;
}

static void free_group(struct series_group *g)
{
	free(g->weight);
	free(g->samples);
}

static void join(const struct series *s, struct series_group *to, struct series_group *g)
{
	for (uint32_t i = 0; i < s->n_points; i++) {
		to->weight[i] += g->weight[i];
		to->samples[i] += g->samples[i];
	}
	to->total += g->total;
	to->total_samples += g->total_samples;
	to->first = g->first < to->first ? g->first : to->first;
	to->last = g->last > to->last ? g->last : to->last;
	free_group(g);
}

/* Groups in order of weight; those past the limit are one. */
static void sort_groups(struct line *l)
{
	struct series *s = l->s;
	uint32_t max = l->ask->max_groups ? l->ask->max_groups : SERIES_MAX_GROUPS;

	if (s->n_groups)
		qsort(s->groups, s->n_groups, sizeof(*s->groups), by_total);
	if (s->n_groups <= max + 1 && (s->n_groups <= max || s->groups[max].other))
		return;
	for (uint32_t i = max + 1; i < s->n_groups; i++)
		join(s, &s->groups[max], &s->groups[i]);
	s->n_groups = max + 1;
	s->groups[max].other = true;
	for (uint32_t i = 0; i < l->ask->n_group_by; i++)
		s->groups[max].values[i] = "";
}

/* From single samples, without being asked for a step: for a look at some minutes, not more. */
static uint64_t raw_step(uint64_t range, uint32_t max_points)
{
	static const uint32_t ms[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000 };
	uint64_t want = range / (max_points > 1 ? max_points - 1 : 1);

	for (size_t i = 0; i < sizeof(ms) / sizeof(ms[0]); i++)
		if (ms[i] * NSEC_PER_MSEC >= want)
			return ms[i] * NSEC_PER_MSEC;
	return 0;
}

static int set_points(struct line *l, bool raw)
{
	const struct series_ask *ask = l->ask;
	struct series *s = l->s;
	uint64_t n, least;

	s->step = ask->step;
	if (!s->step && raw)
		s->step = raw_step(ask->to - ask->from, ask->max_points);
	if (!s->step)
		s->step = series_step(ask->to - ask->from, ask->max_points);
	s->raw = s->step < WINDOW_NS && raw;
	least = s->raw ? MIN_STEP_RAW : MIN_STEP;
	s->step = s->step < least ? least : s->step;
	s->from = ask->from - ask->from % s->step;
	n = (ask->to - s->from + s->step - 1) / s->step;
	if (n > SERIES_MAX_POINTS)
		return -E2BIG;
	s->n_points = (uint32_t)n;
	s->to = s->from + n * s->step;
	s->covered = new_points(l);
	s->lost = new_points(l);
	s->lost_samples = new_points(l);
	s->weight = new_points(l);
	s->samples = new_points(l);
	s->strings = strtab_new();
	return s->covered && s->lost && s->lost_samples && s->weight && s->samples && s->strings
		       ? 0
		       : -ENOMEM;
}

static int make_series(struct line *l, const struct query_env *env, const struct selector *sel)
{
	struct store_ask ask = { .totals_only = true,
				 .sel = selector_is_all(sel) ? NULL : sel,
				 .cancelled = l->budget.cancelled,
				 .deadline = l->budget.deadline };
	uint32_t group;
	int r;

	/* single samples alone can answer that: worth a wait while a busy host lets them be written */
	if (l->ask->step && l->ask->step < MIN_STEP)
		store_settle(env->store, SETTLE_NS);
	r = set_points(l, store_raw_covers(env->store, l->ask->from, l->ask->to, sel));
	if (r)
		return r;
	ask.from = l->s->from;
	ask.to = l->s->to;
	ask.step = l->s->step;
	/* one group for all is there even when nothing was found */
	if (!l->ask->n_group_by)
		r = line_group(l, &(const struct model_series){ 0 }, &group);
	if (!r && l->s->raw)
		r = line_raw(l, env, sel);
	else if (!r)
		r = store_series(env->store, &ask, add_series, l);
	if (r)
		return r;
	add_up(l->s);
	sort_groups(l);
	return 0;
}

int query_series(const struct query_env *env, const struct series_ask *ask,
		 const struct selector *sel, const struct query_limits *lim, struct series **ret)
{
	struct line l = { .ask = ask,
			  .s = calloc(1, sizeof(*l.s)),
			  .hosts = store_match_names_host(sel) };
	int r;

	if (!l.s)
		return -ENOMEM;
	budget_init(&l.budget, lim);
	r = make_series(&l, env, sel);
	hmap_free(&l.index);
	if (r)
		series_free(l.s);
	else
		*ret = l.s;
	return r;
}

void series_free(struct series *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->n_groups; i++)
		free_group(&s->groups[i]);
	free(s->groups);
	free(s->covered);
	free(s->lost);
	free(s->lost_samples);
	free(s->weight);
	free(s->samples);
	strtab_free(s->strings);
	free(s);
}
