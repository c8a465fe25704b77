// SPDX-License-Identifier: GPL-2.0
/*
 * The caller looks whether dpkg's status changed, the thread makes the index.
 * Until a new one is there the one before answers.
 */
#include "proc/packages.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cond.h"
#include "proc/packages_index.h"
#include "proc/packages_rpm.h"

/* what the first answers may wait for all together; cached lists take a tenth of it */
#define PATIENCE_NS NSEC_PER_SEC

struct packages {
	char *status, *info; /* paths */
	struct timespec mtime;
	uint64_t look_again;
	struct packages_rpm *rpm;

	pthread_t thread;
	bool started;
	uint64_t patience; /* ns left of PATIENCE_NS */
	int stop;	   /* atomic */

	pthread_mutex_t lock; /* the rest */
	pthread_cond_t work, done;
	bool wanted, busy;
	bool known; /* there is an index, or no dpkg */
	struct packages_index *index;
	uint64_t state;
};

static void init_sync(struct packages *p)
{
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	cond_init(&p->done);
}

struct packages *packages_new(const char *host)
{
	struct packages *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	init_sync(p);
	p->patience = PATIENCE_NS;
	if (!host || !strcmp(host, "/"))
		host = "";
	if (asprintf(&p->status, "%s/var/lib/dpkg/status", host) < 0)
		p->status = NULL;
	if (asprintf(&p->info, "%s/var/lib/dpkg/info", host) < 0)
		p->info = NULL;
	p->rpm = packages_rpm_new(host);
	if (!p->status || !p->info || !p->rpm) {
		packages_free(p);
		return NULL;
	}
	return p;
}

void packages_free(struct packages *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	__atomic_store_n(&p->stop, 1, __ATOMIC_RELAXED);
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
	if (p->started)
		pthread_join(p->thread, NULL);
	packages_index_free(p->index);
	packages_rpm_free(p->rpm);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->done);
	pthread_mutex_destroy(&p->lock);
	free(p->status);
	free(p->info);
	free(p);
}

static void make_index(struct packages *p)
{
	struct packages_index *fresh, *old;

	p->wanted = false;
	p->busy = true;
	pthread_mutex_unlock(&p->lock);
	fresh = packages_index_read(p->status, p->info, &p->stop);
	pthread_mutex_lock(&p->lock);
	p->busy = false;
	old = p->index;
	p->index = fresh;
	p->known = true;
	p->state++;
	pthread_cond_broadcast(&p->done);
	packages_index_free(old);
}

static void *packages_thread(void *arg)
{
	struct packages *p = arg;

	pthread_setname_np(pthread_self(), "packages");
	pthread_mutex_lock(&p->lock);
	while (!__atomic_load_n(&p->stop, __ATOMIC_RELAXED)) {
		if (p->wanted)
			make_index(p);
		else
			pthread_cond_wait(&p->work, &p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Without a thread versions are missing, no more. lock held. */
static void want_index(struct packages *p)
{
	if (!p->started)
		p->started = !pthread_create(&p->thread, NULL, packages_thread, p);
	p->wanted = p->started;
	pthread_cond_signal(&p->work);
}

static bool dpkg_was_busy(struct packages *p)
{
	struct stat st;

	if (stat(p->status, &st) ||
	    (st.st_mtim.tv_sec == p->mtime.tv_sec && st.st_mtim.tv_nsec == p->mtime.tv_nsec))
		return false;
	p->mtime = st.st_mtim;
	return true;
}

/* lock held */
static void look(struct packages *p, uint64_t now)
{
	if (now < p->look_again)
		return;
	p->look_again = now + PACKAGES_LOOK_NS;
	if (packages_rpm_refresh(p->rpm) || !p->state)
		p->state++;
	if (dpkg_was_busy(p)) {
		p->known = p->index != NULL;
		want_index(p);
	} else if (!p->mtime.tv_sec) {
		p->known = true; /* no dpkg here: it owns nothing */
	}
}

/* lock held */
static void wait_for_the_first(struct packages *p)
{
	uint64_t began = mono_now(), took;

	if (!p->patience || p->index || !(p->wanted || p->busy))
		return;
	while ((p->wanted || p->busy) && cond_wait_until(&p->done, &p->lock, began + p->patience))
		;
	took = mono_now() - began;
	p->patience -= took < p->patience ? took : p->patience;
}

uint64_t packages_version(struct packages *p, const char *path, uint64_t now, char *ret, size_t len)
{
	const char *v;
	uint64_t state;

	pthread_mutex_lock(&p->lock);
	look(p, now);
	wait_for_the_first(p);
	state = p->known ? p->state : 0;
	v = p->index ? packages_index_version(p->index, path) : NULL;
	snprintf(ret, len, "%s", v ? v : "");
	pthread_mutex_unlock(&p->lock);
	if (!v && state)
		packages_rpm_version(p->rpm, path, ret, len);
	return state;
}

uint64_t packages_state(struct packages *p, uint64_t now)
{
	uint64_t state;

	pthread_mutex_lock(&p->lock);
	look(p, now);
	state = p->known ? p->state : 0;
	pthread_mutex_unlock(&p->lock);
	return state;
}

size_t packages_bytes(struct packages *p)
{
	size_t n;

	pthread_mutex_lock(&p->lock);
	n = sizeof(*p) + packages_index_bytes(p->index);
	pthread_mutex_unlock(&p->lock);
	return n;
}
