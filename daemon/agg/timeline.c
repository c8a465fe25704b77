// SPDX-License-Identifier: GPL-2.0
/*
 * Windows open and close here: at wall-clock tens, at cuts, and early when a
 * limit is reached. The order of things is what readers rely on: the window
 * goes to the store first; at the end of the drain it was closed in, when the
 * source's counters of that drain are known, `closed` moves and waiters wake.
 *
 * Cuts come from other threads. A cut is taken only if no sample at or after
 * it was added yet; `reached` says up to where they were. The collector moves
 * it in steps of AGG_LEASE_NS and looks at cuts only then: in between, a
 * sample costs one comparison (agg.quick) and no lock. A lease never reaches
 * the present, see AGG_LEASE_NS, so a cut at "now" is always taken.
 *
 * Wall time of a window is its mono time plus an offset read when it opens.
 * Readings differ by the time between two clock_gettime calls, so one that
 * differs little from the last is taken for the same; then windows meet
 * exactly, and only setting the clock makes them overlap or leave a hole. So
 * does suspend, in which mono time stands still. Both end the open window at
 * the round that sees it: what comes then is of another hour, or day.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agg/agg_internal.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/cond.h"

#define SAME_OFFSET_NS (10 * (int64_t)NSEC_PER_MSEC)

int agg_timeline_init(struct agg *a)
{
	int r = cond_init(&a->closed_cond);

	if (r)
		return r;
	pthread_mutex_init(&a->lock, NULL);
	a->read_wall_offset = wall_offset;
	a->wall_offset = wall_offset();
	return 0;
}

void agg_timeline_free(struct agg *a)
{
	pthread_cond_destroy(&a->closed_cond);
	pthread_mutex_destroy(&a->lock);
	free(a->cuts);
}

int agg_new_model(struct agg *a)
{
	struct model *m = model_new();

	if (!m)
		return -ENOMEM;
	if (a->model)
		model_seal(a->model);
	model_unref(a->model);
	a->model = m;
	a->model_gen++;
	agg_normalize_reset(a);
	stat_add(&a->c.models, 1);
	stat_add(&a->c.model_bytes, model_bytes(m) - a->c.model_bytes);
	return 0;
}

static bool clock_stepped(const struct agg *a, int64_t offset)
{
	return offset - a->wall_offset > SAME_OFFSET_NS || a->wall_offset - offset > SAME_OFFSET_NS;
}

static void open_window(struct agg *a, uint64_t start)
{
	int64_t offset = a->read_wall_offset();

	if (!a->acc.n && __atomic_load_n(&a->coming, __ATOMIC_RELAXED))
		agg_take_labels(a);
	/* samples that were never closed (late ones, after a flush) bind it to its model */
	if (!a->acc.n && model_bytes(a->model) >= a->max_model_bytes)
		(void)agg_new_model(a); /* no memory: the old one serves on */
	if (clock_stepped(a, offset))
		a->wall_offset = offset;
	a->acc.keep_events = store_keeps_raw(a->store);
	a->start = start;
	a->wall_start = start + (uint64_t)a->wall_offset;
	a->end = start + (WINDOW_NS - a->wall_start % WINDOW_NS);
	a->open = true;
	a->full = false;
}

static void set_ended(struct agg *a, uint64_t end)
{
	pthread_mutex_lock(&a->lock);
	a->ended = end;
	pthread_mutex_unlock(&a->lock);
}

/* Tells waiters of what was closed since it was called last. */
static void publish(struct agg *a)
{
	void (*fn)(void *arg, uint64_t closed);
	void *arg;

	/* written by this thread alone */
	if (a->closed == a->ended)
		return;
	pthread_mutex_lock(&a->lock);
	a->closed = a->ended;
	pthread_cond_broadcast(&a->closed_cond);
	fn = a->on_close;
	arg = a->on_close_arg;
	pthread_mutex_unlock(&a->lock);
	if (fn)
		fn(arg, a->ended);
}

/* No memory for the closed window: what was in it becomes a loss of the next one. */
static void lose_window(struct agg *a)
{
	uint64_t samples = a->acc.samples, weight = a->acc.weight, idle = a->acc.idle;
	uint64_t counts[ACCUM_LOSSES], weights[ACCUM_LOSSES];

	memcpy(counts, a->acc.loss_count, sizeof(counts));
	memcpy(weights, a->acc.loss_weight, sizeof(weights));
	accum_reset(&a->acc);
	for (unsigned int i = 0; i < ACCUM_LOSSES; i++)
		accum_lost(&a->acc, i, counts[i], weights[i]);
	accum_lost(&a->acc, ACCUM_OUTCOMES + LOST_MEMORY, samples, weight);
	a->acc.idle = idle;
	stat_add(&a->c.no_memory, samples);
}

/* Of one that was sampled for a part of its time, as many as there were then. */
static uint32_t cpus_of(const struct agg *a, const struct window *w)
{
	return w->samples || w->idle || w->n_losses ? a->cpus_before : a->cpus;
}

static void close_window(struct agg *a, uint64_t end)
{
	struct window *w = accum_window(&a->acc, a->model);

	a->open = false;
	if (w) {
		w->start = a->start;
		w->end = end;
		w->wall_start = a->wall_start;
		w->period = agg_period(a);
		w->unit = a->unit;
		w->cpus = cpus_of(a, w);
		if (!store_add(a->store, w)) {
			accum_reset(&a->acc);
			stat_add(&a->c.windows, 1);
		} else {
			w = NULL;
		}
	}
	if (!w)
		lose_window(a);
	set_ended(a, end);
}

static void drop_cuts(struct agg *a, uint64_t upto)
{
	uint32_t n = 0;

	while (n < a->n_cuts && a->cuts[n] <= upto)
		n++;
	if (!n)
		return;
	memmove(a->cuts, a->cuts + n, (a->n_cuts - n) * sizeof(*a->cuts));
	a->n_cuts -= n;
}

/* Where the open window ends as things are; cuts before `reached` are refused from now on. */
static uint64_t next_boundary(struct agg *a, uint64_t reached)
{
	uint64_t b = a->end;

	pthread_mutex_lock(&a->lock);
	a->reached = reached;
	drop_cuts(a, a->start);
	if (a->n_cuts && a->cuts[0] < b)
		b = a->cuts[0];
	pthread_mutex_unlock(&a->lock);
	return b;
}

/* Where the first window, or the one after a flush, starts if time is at t; reached: as above. */
static uint64_t first_start(struct agg *a, uint64_t t, uint64_t reached)
{
	uint64_t start = t;

	pthread_mutex_lock(&a->lock);
	a->reached = reached;
	if (a->n_cuts && a->cuts[0] < t && t - a->cuts[0] <= AGG_MAX_GAP)
		start = a->cuts[0];
	pthread_mutex_unlock(&a->lock);
	return start;
}

/* No sum of times may wrap, whatever a source says; 146 years are enough. */
static uint64_t sane_time(uint64_t t)
{
	return t < AGG_MAX_TIME ? t : AGG_MAX_TIME;
}

/* Closes all that ends at or before t; cuts before `reached` are refused from now on. */
static void catch_up(struct agg *a, uint64_t t, uint64_t reached)
{
	uint64_t b;

	if (!a->open)
		open_window(a, first_start(a, t, reached));
	while ((b = next_boundary(a, reached)) <= t) {
		close_window(a, b);
		open_window(a, t - b > AGG_MAX_GAP ? t : b);
	}
	a->quick = b < reached ? b : reached;
}

void agg_split(struct agg *a, uint64_t t)
{
	if (t <= a->start)
		return;
	close_window(a, t);
	open_window(a, t);
	stat_add(&a->c.early_ends, 1);
}

/* upto: of the round. A reading during which we had to wait looks like a step: two do not. */
static void follow_clock(struct agg *a, uint64_t upto)
{
	if (upto <= a->start || !clock_stepped(a, a->read_wall_offset()) ||
	    !clock_stepped(a, a->read_wall_offset()))
		return;
	close_window(a, upto);
	open_window(a, upto);
}

/*
 * A window is sampled as a whole or not at all: it ends where sampling ends or begins. had: CPUs
 * before the round.
 */
static void follow_source(struct agg *a, uint64_t upto, uint32_t had)
{
	uint32_t has = a->cpus;

	if (!had == !has || upto <= a->start)
		return;
	a->cpus = had;
	close_window(a, upto);
	a->cpus = has;
	open_window(a, upto);
}

void agg_reach(struct agg *a, uint64_t t)
{
	uint64_t lease;

	t = sane_time(t);
	lease = t + AGG_LEASE_NS;
	if (a->open && t < a->start)
		stat_add(&a->c.late, 1);
	else
		catch_up(a, t, lease > a->reached ? lease : a->reached);
	if (a->full)
		agg_split(a, t);
}

void agg_advance(struct agg *a, uint64_t upto, const struct source_counters *now_counters,
		 const struct source_info *info)
{
	/* it stands still or falls back only while a source is gone: nothing is due then */
	bool due = upto && upto >= a->upto;
	uint32_t had = a->cpus;
	/* the first source's CPUs are told a moment after it samples */
	bool first = !a->cpus_before;

	upto = sane_time(upto);
	if (due && !a->open)
		catch_up(a, upto, upto);
	if (now_counters)
		agg_losses(a, now_counters, info);
	if (due) {
		a->upto = upto;
		catch_up(a, upto, upto);
		follow_clock(a, upto);
		if (!first)
			follow_source(a, upto, had);
	}
	publish(a);
}

void agg_flush(struct agg *a, uint64_t upto)
{
	upto = sane_time(upto);
	if (!a->open || upto < a->start)
		return;
	catch_up(a, upto, upto);
	a->upto = upto;
	if (upto != a->start) {
		close_window(a, upto);
		a->quick = 0;
	}
	publish(a);
}

/* Index of the first cut at or after t. */
static uint32_t cut_index(const struct agg *a, uint64_t t)
{
	uint32_t i = a->n_cuts;

	/* cuts are mostly asked for in order: from the end */
	while (i && a->cuts[i - 1] >= t)
		i--;
	return i;
}

static int insert_cut(struct agg *a, uint64_t t)
{
	uint32_t i = cut_index(a, t);
	uint64_t *cuts;

	if (i < a->n_cuts && a->cuts[i] == t)
		return 0;
	if (t < a->reached)
		return -ERANGE;
	if (a->n_cuts == AGG_MAX_CUTS)
		return -ENOSPC;
	cuts = array_room(a->cuts, &a->cap_cuts, (size_t)a->n_cuts + 1, sizeof(*cuts));
	if (!cuts)
		return -ENOMEM;
	a->cuts = cuts;
	memmove(a->cuts + i + 1, a->cuts + i, (a->n_cuts - i) * sizeof(*a->cuts));
	a->cuts[i] = t;
	a->n_cuts++;
	return 0;
}

int agg_cut(struct agg *a, uint64_t t)
{
	int r = 0;

	pthread_mutex_lock(&a->lock);
	/* the end of what is closed is a boundary already */
	if (t != a->ended || !t)
		r = t < a->ended ? -ERANGE : insert_cut(a, t);
	pthread_mutex_unlock(&a->lock);
	return r;
}

uint64_t agg_closed(struct agg *a)
{
	uint64_t t;

	pthread_mutex_lock(&a->lock);
	t = a->closed;
	pthread_mutex_unlock(&a->lock);
	return t;
}

int agg_wait(struct agg *a, uint64_t t, uint64_t timeout)
{
	uint64_t until = mono_in(timeout);
	int r;

	pthread_mutex_lock(&a->lock);
	while (a->closed < t && cond_wait_until(&a->closed_cond, &a->lock, until))
		;
	r = a->closed >= t ? 0 : -ETIMEDOUT;
	pthread_mutex_unlock(&a->lock);
	return r;
}

void agg_on_close(struct agg *a, void (*fn)(void *arg, uint64_t closed), void *arg)
{
	pthread_mutex_lock(&a->lock);
	a->on_close = fn;
	a->on_close_arg = arg;
	pthread_mutex_unlock(&a->lock);
}
