// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that open files. One is enough until it hangs: then the next question
 * has another one made, and the one that hung goes when it comes back and finds
 * that others are idle. They are detached, as nothing can end a thread that
 * waits for a file system.
 */
#include "sym/file_opener.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cond.h"
#include "sym/files_int.h"

#define END_WAIT_NS NSEC_PER_SEC /* for threads to end */

struct job {
	struct file_where w;
	char *path;
	struct file *f;
	bool done, left; /* left: nobody waits for it any more */
};

struct opener {
	struct files *fs;
	uint64_t wait_ns;
	pthread_mutex_t turn; /* held by the one who waits; outside of lock */
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	struct job *next; /* to be taken by a thread */
	struct job *busy[OPENER_MAX_THREADS];
	uint32_t n_threads, n_idle;
	bool stop;
	uint64_t given_up;
};

struct opener *opener_new(struct files *fs, uint64_t wait_ns)
{
	struct opener *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->fs = fs;
	o->wait_ns = wait_ns;
	pthread_mutex_init(&o->turn, NULL);
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->work, NULL);
	cond_init(&o->done);
	return o;
}

static void free_job(struct job *j)
{
	if (j)
		free(j->path);
	free(j);
}

static struct job *new_job(const struct file_where *w)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->w = *w;
	j->path = strdup(w->path ? w->path : "");
	if (!j->path) {
		free(j);
		return NULL;
	}
	j->w.path = w->path ? j->path : NULL;
	return j;
}

static struct job **free_place(struct opener *o)
{
	uint32_t i = 0;

	while (o->busy[i])
		i++; /* there are as many places as threads */
	return &o->busy[i];
}

static void work_off(struct opener *o, struct job *j)
{
	struct job **place = free_place(o);
	struct file *f;

	*place = j;
	pthread_mutex_unlock(&o->lock);
	f = files_get(o->fs, &j->w);
	pthread_mutex_lock(&o->lock);
	*place = NULL;
	if (j->left) {
		/* known from now on: the next who asks gets it at once */
		file_unref(f);
		free_job(j);
		return;
	}
	j->f = f;
	j->done = true;
	pthread_cond_broadcast(&o->done);
}

static void *opener_main(void *arg)
{
	struct opener *o = arg;

	pthread_setname_np(pthread_self(), "open-files");
	pthread_mutex_lock(&o->lock);
	while (!o->stop) {
		struct job *j = o->next;

		if (j) {
			o->next = NULL;
			work_off(o, j);
			continue;
		}
		if (o->n_idle)
			break;
		o->n_idle++;
		pthread_cond_wait(&o->work, &o->lock);
		o->n_idle--;
	}
	o->n_threads--;
	pthread_cond_broadcast(&o->done);
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

bool opener_free(struct opener *o)
{
	uint64_t until = mono_now() + END_WAIT_NS;
	bool all;

	if (!o)
		return true;
	pthread_mutex_lock(&o->lock);
	o->stop = true;
	pthread_cond_broadcast(&o->work);
	while (o->n_threads && cond_wait_until(&o->done, &o->lock, until)) {
	}
	all = !o->n_threads;
	pthread_mutex_unlock(&o->lock);
	if (!all)
		return false;
	pthread_mutex_destroy(&o->turn);
	pthread_mutex_destroy(&o->lock);
	pthread_cond_destroy(&o->work);
	pthread_cond_destroy(&o->done);
	free(o);
	return true;
}

static bool hangs(const struct opener *o, const struct file_where *w)
{
	for (uint32_t i = 0; i < OPENER_MAX_THREADS; i++)
		if (o->busy[i] && o->busy[i]->w.maj == w->maj && o->busy[i]->w.min == w->min)
			return true;
	return false;
}

static bool have_thread(struct opener *o)
{
	pthread_attr_t attr;
	pthread_t t;
	int r;

	if (o->n_idle)
		return true;
	if (o->n_threads == OPENER_MAX_THREADS)
		return false;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&t, &attr, opener_main, o);
	pthread_attr_destroy(&attr);
	o->n_threads += !r;
	return !r;
}

/* lock and turn held */
static struct file *ask(struct opener *o, struct job *j, bool *ret_again)
{
	uint64_t until = mono_now() + o->wait_ns;
	struct file *f;

	o->next = j;
	pthread_cond_signal(&o->work);
	while (!j->done && cond_wait_until(&o->done, &o->lock, until)) {
	}
	*ret_again = !j->done;
	f = j->f;
	if (j->done || o->next == j) {
		o->next = NULL;
		free_job(j);
	} else {
		j->left = true;
		o->given_up++;
	}
	return f;
}

struct file *opener_get(struct opener *o, const struct file_where *w, bool *ret_again)
{
	struct file *f = NULL;
	struct job *j;

	*ret_again = true;
	pthread_mutex_lock(&o->turn);
	pthread_mutex_lock(&o->lock);
	if (!hangs(o, w) && have_thread(o)) {
		j = new_job(w);
		if (j)
			f = ask(o, j, ret_again);
	}
	pthread_mutex_unlock(&o->lock);
	pthread_mutex_unlock(&o->turn);
	return f;
}

uint64_t opener_given_up(struct opener *o)
{
	uint64_t n;

	pthread_mutex_lock(&o->lock);
	n = o->given_up;
	pthread_mutex_unlock(&o->lock);
	return n;
}

int files_open_aside(struct files *fs, uint64_t wait_ns)
{
	fs->opener = opener_new(fs, wait_ns);
	return fs->opener ? 0 : -ENOMEM;
}

struct file *files_get_soon(struct files *fs, const struct file_where *w, bool *ret_again)
{
	*ret_again = false;
	/* without an inode number it is no mapping, and its device is not known */
	if (!fs->opener || w->maj || !w->ino)
		return files_get(fs, w);
	return opener_get(fs->opener, w, ret_again);
}
