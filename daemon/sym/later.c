// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses are taken all at once and done file by file: where not all debug
 * information fits into memory together, each file is so opened once and not
 * for every address.
 */
#include "sym/later.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/cond.h"

struct item {
	struct file *file;
	uint64_t off;
};

struct later {
	later_fn fn;
	void *arg;
	pthread_t thread;
	int stop; /* atomic */

	pthread_mutex_t lock;
	pthread_cond_t work, progress;
	bool started, busy;
	struct item *items;
	size_t n, cap;
	uint64_t done, dropped;
};

struct later *later_new(later_fn fn, void *arg)
{
	struct later *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->fn = fn;
	l->arg = arg;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->work, NULL);
	cond_init(&l->progress);
	return l;
}

static int by_file(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;

	if (a->file->id != b->file->id)
		return a->file->id < b->file->id ? -1 : 1;
	return a->off < b->off ? -1 : a->off > b->off;
}

static bool stopped(struct later *l)
{
	return __atomic_load_n(&l->stop, __ATOMIC_ACQUIRE);
}

static void work_off(struct later *l, struct item *items, size_t n)
{
	qsort(items, n, sizeof(*items), by_file);
	for (size_t i = 0; i < n; i++) {
		if (!stopped(l))
			l->fn(l->arg, items[i].file, items[i].off);
		file_unref(items[i].file);
		pthread_mutex_lock(&l->lock);
		l->done++;
		pthread_cond_broadcast(&l->progress);
		pthread_mutex_unlock(&l->lock);
	}
	free(items);
}

static void *later_main(void *arg)
{
	struct later *l = arg;

	pthread_setname_np(pthread_self(), "lines");
	pthread_mutex_lock(&l->lock);
	while (!stopped(l)) {
		struct item *items = l->items;
		size_t n = l->n;

		if (!n) {
			pthread_cond_wait(&l->work, &l->lock);
			continue;
		}
		l->items = NULL;
		l->n = l->cap = 0;
		l->busy = true;
		pthread_mutex_unlock(&l->lock);
		work_off(l, items, n);
		pthread_mutex_lock(&l->lock);
		l->busy = false;
		pthread_cond_broadcast(&l->progress);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

void later_free(struct later *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	__atomic_store_n(&l->stop, 1, __ATOMIC_RELEASE);
	pthread_cond_signal(&l->work);
	pthread_mutex_unlock(&l->lock);
	if (l->started)
		pthread_join(l->thread, NULL);
	for (size_t i = 0; i < l->n; i++)
		file_unref(l->items[i].file);
	free(l->items);
	pthread_cond_destroy(&l->work);
	pthread_cond_destroy(&l->progress);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static bool push_locked(struct later *l, struct file *f, uint64_t off)
{
	struct item *items;

	if (!l->started && pthread_create(&l->thread, NULL, later_main, l))
		return false;
	l->started = true;
	if (l->n >= LATER_MAX)
		return false;
	items = array_room(l->items, &l->cap, l->n + 1, sizeof(*items));
	if (!items)
		return false;
	l->items = items;
	items[l->n++] = (struct item){ file_ref(f), off };
	pthread_cond_signal(&l->work);
	return true;
}

bool later_push(struct later *l, struct file *f, uint64_t off)
{
	bool ok;

	pthread_mutex_lock(&l->lock);
	ok = push_locked(l, f, off);
	l->dropped += !ok;
	pthread_mutex_unlock(&l->lock);
	return ok;
}

uint64_t later_done(struct later *l)
{
	uint64_t done;

	pthread_mutex_lock(&l->lock);
	done = l->done;
	pthread_mutex_unlock(&l->lock);
	return done;
}

bool later_wait(struct later *l, uint64_t done, uint64_t ns)
{
	uint64_t until = mono_in(ns);
	bool more;

	pthread_mutex_lock(&l->lock);
	while (l->done == done && (l->n || l->busy) &&
	       cond_wait_until(&l->progress, &l->lock, until))
		;
	more = l->done != done;
	pthread_mutex_unlock(&l->lock);
	return more;
}

uint64_t later_dropped(struct later *l)
{
	uint64_t n;

	pthread_mutex_lock(&l->lock);
	n = l->dropped;
	pthread_mutex_unlock(&l->lock);
	return n;
}
