// SPDX-License-Identifier: GPL-2.0
/*
 * Time lines finer than windows. Samples of one entry share its weight out
 * evenly, and each spreads its share over the time that it stands for, so that
 * sums are those of the windows.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agg/relabel.h"
#include "base/cleanup.h"
#include "query/selector.h"
#include "query/series_int.h"

#define UNKNOWN	    UINT32_MAX
#define CHECK_EVERY 4096

struct raw_line {
	struct line *l;
	const struct selector *sel;
	bool by_cpu; /* a group is of one CPU: samples of an entry are in several */
};

struct seen {		   /* of an entry */
	uint32_t group, n; /* samples so far */
	bool taken;
};

/* Labels of the sample, and those that are asked for by number. */
static int group_of(struct raw_line *r, const struct window *w, uint32_t entry, uint16_t cpu,
		    uint32_t *ret)
{
	const struct model_thread *t = model_thread(w->model, w->entries[entry].thread);
	const struct model_proc *p = model_proc(w->model, t->proc);
	struct model_series s = *model_series(w->model, p->series);
	const struct series_ask *ask = r->l->ask;
	char text[SERIES_MAX_LABELS][24];

	for (uint32_t i = 0; i < ask->n_group_by; i++) {
		const char *key = ask->group_by[i];
		int64_t v = !strcmp(key, "pid")	  ? p->pid
			    : !strcmp(key, "tid") ? t->tid
			    : !strcmp(key, "cpu") ? cpu
						  : -1;

		snprintf(text[i], sizeof(text[i]), "%" PRId64, v);
		if (v >= 0)
			series_put(&s, key, text[i], false);
	}
	return line_group(r->l, &s, ret);
}

static int start_window(struct raw_line *r, const struct window *w)
{
	uint64_t samples = 0, weight = 0;

	if (!window_sampled(w))
		return 0;
	for (uint32_t i = 0; i < w->n_losses; i++) {
		samples += w->losses[i].count;
		weight += w->losses[i].weight;
	}
	return line_window(r->l, w->wall_start, window_wall_end(w), window_sampled(w), samples,
			   weight);
}

/*
 * A sample stands for the time before it, back to the one before: put where it
 * was taken, steps that are no multiple of the period would hold now two, now
 * three. What would be before its window stays in it, as sums do.
 */
static void add_point(struct line *l, uint32_t group, uint64_t begin, uint64_t time,
		      uint64_t weight)
{
	struct series *s = l->s;
	struct series_group *g = &s->groups[group];

	if (time - begin > weight)
		begin = time - weight;
	/* one at the very begin has no time before it */
	line_spread(s, g->weight, begin, time > begin ? time : time + 1, weight);
	if (time < s->from || time >= s->to)
		return;
	g->samples[(time - s->from) / s->step]++;
	g->first = time < g->first ? time : g->first;
	g->last = time > g->last ? time : g->last;
}

static int match_all(struct raw_line *r, const struct window *w, struct seen *seen)
{
	struct match_cache c = { .sel = r->sel, .model = w->model };
	uint32_t counts[6];
	int e;

	model_counts(w->model, counts);
	e = match_cache_follow(&c, counts, &r->l->budget);
	for (uint32_t i = 0; e >= 0 && i < w->n_entries; i++) {
		seen[i].group = UNKNOWN;
		e = match_thread(&c, w->entries[i].thread);
		seen[i].taken = e > 0;
	}
	budget_return(&r->l->budget, (size_t)c.n_series + c.n_procs + c.n_threads);
	match_cache_free(&c);
	return e < 0 ? e : 0;
}

static int add_sample(struct raw_line *r, const struct window *w, struct seen *seen,
		      const struct raw_sample *s)
{
	const struct window_entry *e = &w->entries[s->entry];
	uint32_t k = seen->n++;
	int ok = match_cpu(r->sel, s->cpu);

	if (ok <= 0)
		return ok;
	if (seen->group == UNKNOWN || r->by_cpu) {
		ok = group_of(r, w, s->entry, s->cpu, &seen->group);
		if (ok)
			return ok;
	}
	add_point(r->l, seen->group, w->wall_start, w->wall_start + s->us * UINT64_C(1000),
		  raw_sample_weight(e, k));
	return 0;
}

static int raw_window(void *arg, struct window *w, const struct raw_sample *s, uint32_t n)
{
	struct raw_line *r = arg;
	cleanup_free struct seen *seen = calloc(w->n_entries + 1UL, sizeof(*seen));
	int e = seen ? start_window(r, w) : -ENOMEM;

	if (!e)
		e = match_all(r, w, seen);
	for (uint32_t i = 0; !e && i < n; i++) {
		if (i % CHECK_EVERY == 0)
			e = budget_check(&r->l->budget);
		if (!e && seen[s[i].entry].taken)
			e = add_sample(r, w, &seen[s[i].entry], &s[i]);
	}
	return e;
}

int line_raw(struct line *l, const struct query_env *env, const struct selector *sel)
{
	struct raw_line r = { .l = l, .sel = sel };
	struct store_ask ask = { .from = l->s->from,
				 .to = l->s->to,
				 .sel = sel,
				 .cancelled = l->budget.cancelled,
				 .deadline = l->budget.deadline };

	for (uint32_t i = 0; i < l->ask->n_group_by; i++)
		r.by_cpu = r.by_cpu || !strcmp(l->ask->group_by[i], "cpu");
	return store_raw(env->store, &ask, raw_window, &r);
}
