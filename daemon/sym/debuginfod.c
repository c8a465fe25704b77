// SPDX-License-Identifier: GPL-2.0
/*
 * The wishes, and the thread that works them off. How one file is had:
 * debuginfod_fetch.c.
 *
 * Nothing is kept about an answer but when it came: a server that did not know
 * a file is asked again after an hour, one that did not answer after ten
 * minutes, and a file that was evicted when somebody asks for its lines again.
 */
#include "sym/debuginfod.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cachedir.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "sym/debuginfod_fetch.h"

#define KIND	     "debuginfod"
#define AGAIN	     (3600 * NSEC_PER_SEC)
#define AGAIN_SOON   (600 * NSEC_PER_SEC)
#define BUILD_ID_MAX 80 /* hex digits */

struct wish {
	char id[BUILD_ID_MAX + 1];
	bool waiting;
	uint64_t next; /* mono ns: not asked again before */
};

struct debuginfod {
	struct fetch fetch; /* the thread's */
	void (*came)(void *);
	void *arg;
	char *dir;
	uint64_t max_disk;
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t work;
	bool started, stop;
	struct wish wishes[DEBUGINFOD_MAX_WISH]; /* in the order that they came in */
	uint32_t n;
	struct debuginfod_counters c;
};

int debuginfod_make_dir(const char *dir, uid_t uid, gid_t gid)
{
	return cachedir_make(dir, KIND, DEBUGINFOD_VERSION, uid, gid);
}

struct debuginfod *debuginfod_new(const struct debuginfod_config *cfg, char *err, size_t errlen)
{
	struct debuginfod *d = calloc(1, sizeof(*d));

	snprintf(err, errlen, "out of memory");
	if (!d)
		return NULL;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->work, NULL);
	d->dir = strdup(cfg->dir);
	d->max_disk = cfg->max_disk;
	d->came = cfg->came;
	d->arg = cfg->arg;
	d->fetch.cache.dir = -1;
	if (!d->dir || fetch_load(&d->fetch, cfg, err, errlen)) {
		debuginfod_free(d);
		return NULL;
	}
	return d;
}

void debuginfod_on_arrival(struct debuginfod *d, void (*came)(void *), void *arg)
{
	d->came = came;
	d->arg = arg;
}

void debuginfod_free(struct debuginfod *d)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	__atomic_store_n(&d->fetch.stop, true, __ATOMIC_RELAXED);
	pthread_cond_signal(&d->work);
	pthread_mutex_unlock(&d->lock);
	if (d->started)
		pthread_join(d->thread, NULL);
	fetch_unload(&d->fetch);
	pthread_mutex_destroy(&d->lock);
	pthread_cond_destroy(&d->work);
	free(d->dir);
	free(d);
}

static void count_result(struct debuginfod *d, struct wish *w, int r)
{
	struct debuginfod_counters *c = &d->c;

	w->next = mono_now() + (!r || r == -ENOENT || r == -EBADMSG ? AGAIN : AGAIN_SOON);
	c->asked++;
	if (!r)
		c->came++;
	else if (r == -ENOENT)
		c->not_found++;
	else if (r == -EBADMSG)
		c->refused++;
	else
		c->failed++;
	c->bytes = d->fetch.cache.bytes;
	c->evicted = d->fetch.cache.evicted;
}

static struct wish *find(struct debuginfod *d, const char *id)
{
	for (uint32_t i = 0; i < d->n; i++)
		if (!strcmp(d->wishes[i].id, id))
			return &d->wishes[i];
	return NULL;
}

static struct wish *next_wish(struct debuginfod *d)
{
	for (uint32_t i = 0; i < d->n; i++)
		if (d->wishes[i].waiting)
			return &d->wishes[i];
	return NULL;
}

static void *debuginfod_main(void *arg)
{
	struct debuginfod *d = arg;
	char id[BUILD_ID_MAX + 1];
	struct wish *w;
	int r;

	pthread_mutex_lock(&d->lock);
	while (!d->stop) {
		w = next_wish(d);
		if (!w) {
			pthread_cond_wait(&d->work, &d->lock);
			continue;
		}
		w->waiting = false;
		d->c.waiting--;
		/* not meanwhile either */
		w->next = UINT64_MAX;
		strcpy(id, w->id);
		pthread_mutex_unlock(&d->lock);
		r = fetch_file(&d->fetch, id);
		pthread_mutex_lock(&d->lock);
		w = find(d, id); /* not where it was */
		count_result(d, w, r);
		if (!r && d->came) {
			pthread_mutex_unlock(&d->lock);
			d->came(d->arg);
			pthread_mutex_lock(&d->lock);
		}
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* Forgets the first answer that is due again, else the first of all that are had. */
static void make_room(struct debuginfod *d)
{
	uint32_t i = 0;

	if (d->n < DEBUGINFOD_MAX_WISH)
		return;
	while (i < d->n && (d->wishes[i].waiting || d->wishes[i].next == UINT64_MAX))
		i++;
	if (i == d->n)
		return;
	memmove(d->wishes + i, d->wishes + i + 1, (d->n - i - 1) * sizeof(*d->wishes));
	d->n--;
}

static void want(struct debuginfod *d, const char *id)
{
	struct wish *w = find(d, id);

	if (w && (w->waiting || mono_now() < w->next))
		return;
	if (!d->started && pthread_create(&d->thread, NULL, debuginfod_main, d)) {
		d->c.dropped++;
		return;
	}
	d->started = true;
	if (!w) {
		make_room(d);
		if (d->n == DEBUGINFOD_MAX_WISH) {
			d->c.dropped++;
			return;
		}
		w = &d->wishes[d->n++];
		strcpy(w->id, id);
	}
	w->waiting = true;
	d->c.waiting++;
	pthread_cond_signal(&d->work);
}

void debuginfod_want(struct debuginfod *d, const char *build_id)
{
	size_t n = strlen(build_id);

	if (!n || n > BUILD_ID_MAX || strspn(build_id, "0123456789abcdef") != n)
		return;
	pthread_mutex_lock(&d->lock);
	want(d, build_id);
	pthread_mutex_unlock(&d->lock);
}

void debuginfod_counters(struct debuginfod *d, struct debuginfod_counters *ret)
{
	pthread_mutex_lock(&d->lock);
	*ret = d->c;
	pthread_mutex_unlock(&d->lock);
}
