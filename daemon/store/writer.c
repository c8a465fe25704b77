// SPDX-License-Identifier: GPL-2.0
/*
 * The writer's thread: takes windows from the queue and adds them to all four
 * tiers at once. What a killed process had not written of the coarser tiers is
 * added again from the finer ones at the next start: each window says which
 * tens it covers, so none is missing and none counted twice.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/cond.h"
#include "store/history.h"

/* ---- the queue ---- */

void history_add(struct history *h, struct window *w, uint64_t seq)
{
	pthread_mutex_lock(&h->lock);
	if (h->queued == HISTORY_QUEUE) {
		uint32_t n;

		free(window_take_events(w, &n));
		h->c.raw_lost += n;
		h->c.windows_lost++;
		if (!h->c.queue_full++)
			snprintf(h->trouble, sizeof(h->trouble),
				 "history: the disk does not keep up: windows are left out");
	} else {
		size_t i = (h->head + h->queued++) % HISTORY_QUEUE;

		h->queue[i].w = window_ref(w);
		h->queue[i].seq = seq;
		pthread_cond_signal(&h->wake);
	}
	pthread_mutex_unlock(&h->lock);
}

/* The oldest window; NULL: it is time to end. */
static struct window *take(struct history *h, uint64_t *seq)
{
	struct window *w = NULL;

	pthread_mutex_lock(&h->lock);
	h->busy = false;
	while (!h->queued && !h->stop) {
		pthread_cond_broadcast(&h->idle);
		pthread_cond_wait(&h->wake, &h->lock);
	}
	if (h->queued) {
		w = h->queue[h->head].w;
		*seq = h->queue[h->head].seq;
		h->head = (h->head + 1) % HISTORY_QUEUE;
		h->queued--;
		h->busy = true;
	}
	pthread_mutex_unlock(&h->lock);
	return w;
}

void store_sync(struct store *s)
{
	struct history *h = s->history;

	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	while (h->queued || h->busy)
		pthread_cond_wait(&h->idle, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

bool history_wait(struct history *h, uint64_t until)
{
	bool waited, in_time = true;

	pthread_mutex_lock(&h->lock);
	waited = h->queued || h->busy;
	while (in_time && (h->queued || h->busy))
		in_time = cond_wait_until(&h->idle, &h->lock, until);
	pthread_mutex_unlock(&h->lock);
	return waited && in_time;
}

/* ---- after a restart ---- */

uint64_t history_last_seq(struct history *h, uint32_t tier)
{
	uint64_t last = 0;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->n_files; i++) {
		const struct hfile *f = h->files[i];

		if (f->is_pin || f->bad || f->tier != tier || f->origin != h->origin)
			continue;
		for (size_t k = 0; k < f->n_rows; k++)
			if (f->rows[k].last_seq > last)
				last = f->rows[k].last_seq;
	}
	pthread_mutex_unlock(&h->lock);
	return last;
}

struct todo {
	struct hfile *f; /* a reference */
	struct hrow row;
};

static int by_seq(const void *va, const void *vb)
{
	const struct todo *a = va, *b = vb;

	return (a->row.first_seq > b->row.first_seq) - (a->row.first_seq < b->row.first_seq);
}

/* Windows of a tier that cover tens after seq; *n of them, NULL: none or no memory. */
static struct todo *after(struct history *h, uint32_t tier, uint64_t seq, size_t *n)
{
	struct todo *all = NULL;
	size_t cap = 0;

	*n = 0;
	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->n_files; i++) {
		struct hfile *f = h->files[i];

		if (f->is_pin || f->bad || f->tier != tier || f->origin != h->origin)
			continue;
		for (size_t k = 0; k < f->n_rows; k++) {
			struct todo *a;

			if (f->rows[k].first_seq <= seq)
				continue;
			a = array_room(all, &cap, *n + 1, sizeof(*a));
			if (!a)
				break;
			all = a;
			all[(*n)++] = (struct todo){ .f = hfile_ref(f), .row = f->rows[k] };
		}
	}
	pthread_mutex_unlock(&h->lock);
	if (all)
		qsort(all, *n, sizeof(*all), by_seq);
	return all;
}

static void add_again(struct history *h, unsigned int i, const struct todo *t, uint64_t *seq)
{
	struct window *w;
	int err = hfile_window(t->f, &t->row, NULL, false, &w);

	if (err == -EBADMSG)
		history_found_bad(h, t->f, "a window in it is damaged");
	if (err)
		return;
	(void)roll_add_to(&h->roll, i, w, t->row.first_seq, t->row.last_seq); /* counted there */
	*seq = t->row.last_seq;
	window_unref(w);
}

static void recover(struct history *h)
{
	for (unsigned int t = 1; t < HISTORY_TIERS; t++) {
		uint64_t seq = history_last_seq(h, TIER_10S + t);

		for (unsigned int from = t; from-- > 0;) {
			size_t n;
			struct todo *todo = after(h, TIER_10S + from, seq, &n);

			for (size_t i = 0; i < n; i++) {
				add_again(h, t, &todo[i], &seq);
				hfile_unref(todo[i].f);
			}
			free(todo);
		}
	}
}

/* Which versions were there: of the last file of the finest tier that there is. */
static void learn_versions(struct history *h)
{
	struct hfile *last = NULL;
	const char *why;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->n_files; i++)
		if (!h->files[i]->is_pin && h->files[i]->tier == TIER_10S && !h->files[i]->bad)
			last = h->files[i];
	if (last)
		hfile_ref(last);
	pthread_mutex_unlock(&h->lock);
	if (!last)
		return;
	pthread_mutex_lock(&last->lock);
	/* damaged: found when it is read or written on */
	if (!hfile_load(last, &why))
		for (uint32_t i = 0; i < last->dict->n_series; i++)
			deploys_learn(h->deploys, model_series(last->dict->model, i));
	pthread_mutex_unlock(&last->lock);
	hfile_unref(last);
}

/* ---- the thread ---- */

/* Samples of one window; those that are not wanted any more are let go. */
static void add_samples(struct history *h, struct window *w, uint64_t seq)
{
	uint32_t n;
	cleanup_free struct window_event *events = window_take_events(w, &n);
	bool kept = store_keeps_raw(h->store);
	int err = 0;

	/* of a window without samples all of them are there: the time is not missing */
	if (kept && (events || !w->n_entries))
		err = roll_add_raw(&h->raw, w, seq, events, n);
	else if (!kept)
		(void)roll_seal(&h->raw);
	pthread_mutex_lock(&h->lock);
	if (events && kept && !err)
		h->c.raw_samples += n;
	else if (events && err)
		h->c.raw_lost += n;
	pthread_mutex_unlock(&h->lock);
}

/* The larger of the two begins new files; how many ended. */
static unsigned int cut_larger(struct history *h)
{
	struct roll *r = roll_bytes(&h->raw) > roll_bytes(&h->roll) ? &h->raw : &h->roll;

	roll_cut(r);
	return r->n;
}

/*
 * Cuts files until the rest fits. A load of stacks that never come again would
 * fill the numberings else; a window of a coarse tier becomes two for it.
 */
static void fit_memory(struct history *h)
{
	unsigned int cut = 0;

	for (int tries = 0; tries <= 2; tries++) {
		size_t sum = roll_bytes(&h->roll) + roll_bytes(&h->raw), limit;

		pthread_mutex_lock(&h->lock);
		h->c.writer_bytes = sum;
		limit = h->cfg.memory;
		h->c.cut += cut;
		pthread_mutex_unlock(&h->lock);
		if (!limit || sum <= limit || tries == 2)
			break;
		cut = cut_larger(h);
	}
}

void *history_writer(void *history)
{
	struct history *h = history;
	struct window *w;
	uint64_t seq;

	pthread_setname_np(pthread_self(), "history");
	/* for this thread alone; not below what the daemon itself may have been given */
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 15);
	recover(h);
	learn_versions(h);
	(void)history_room(h, 0, false);
	while ((w = take(h, &seq))) {
		(void)roll_add(&h->roll, w, seq, seq); /* counted there */
		add_samples(h, w, seq);
		fit_memory(h);
		deploys_window(h->deploys, w, h->store->events);
		window_unref(w);
	}
	(void)roll_seal(&h->roll);
	(void)roll_seal(&h->raw);
	return NULL;
}
