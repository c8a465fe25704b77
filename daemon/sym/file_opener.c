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

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/cond.h"
#include "sym/file_close.h"
#include "sym/file_open.h"
#include "sym/files_int.h"

#define END_WAIT_NS NSEC_PER_SEC /* for threads to end */

enum wish {
	WISH_FILE,    /* w's, of the registry */
	WISH_MAPPING, /* a descriptor of what w maps */
	WISH_AGAIN,   /* one of the file `of`, which is known */
	WISH_READ,    /* what fn finds in the descriptor `in` */
};

struct result {
	struct file *f;
	int fd; /* or -errno */
	struct stat st;
	int status; /* fn's */
	char read[FILES_READ_MAX];
};

struct job {
	enum wish wish;
	struct file_where w;
	char *path;
	struct file *of; /* a reference; NULL: none */
	file_read_fn fn;
	int in; /* the job's; -1: none */
	uint64_t in_size;
	struct result r;
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
	if (!j)
		return;
	file_unref(j->of);
	file_close_aside(j->in, false);
	free(j->path);
	free(j);
}

static struct job *new_job(enum wish wish, const struct file_where *w)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->wish = wish;
	j->in = -1;
	j->r.fd = -EAGAIN;
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

/* May take any time. */
static struct result result_of(struct opener *o, const struct job *j)
{
	struct result r = { .fd = -ENOENT };

	if (j->wish == WISH_FILE)
		r.f = files_get(o->fs, &j->w);
	else if (j->wish == WISH_MAPPING)
		r.fd = file_open_mapping(&j->w, &r.st);
	else if (j->wish == WISH_AGAIN)
		r.fd = file_open_fd(j->of);
	else
		r.status = j->fn(j->in, j->in_size, r.read);
	return r;
}

static void work_off(struct opener *o, struct job *j)
{
	struct job **place = free_place(o);
	struct result r;

	*place = j;
	pthread_mutex_unlock(&o->lock);
	r = result_of(o, j);
	pthread_mutex_lock(&o->lock);
	*place = NULL;
	if (j->left) {
		/* known from now on: the next who asks gets it at once */
		file_unref(r.f);
		file_close_aside(r.fd, false);
		free_job(j);
		return;
	}
	j->r = r;
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

static bool hangs(const struct opener *o, uint32_t maj, uint32_t min)
{
	for (uint32_t i = 0; i < OPENER_MAX_THREADS; i++)
		if (o->busy[i] && o->busy[i]->w.maj == maj && o->busy[i]->w.min == min)
			return true;
	/* what would be opened could not be closed */
	return file_close_hangs(maj, min);
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

/* lock and turn held; takes j. false: it is not there in time */
static bool ask(struct opener *o, struct job *j, struct result *ret)
{
	uint64_t until = mono_now() + o->wait_ns;
	bool done;

	o->next = j;
	pthread_cond_signal(&o->work);
	while (!j->done && cond_wait_until(&o->done, &o->lock, until)) {
	}
	done = j->done;
	*ret = j->r;
	if (done || o->next == j) {
		o->next = NULL;
		free_job(j);
	} else {
		j->left = true;
		o->given_up++;
	}
	return done;
}

/* j NULL: no memory. false: worth asking again */
static bool ask_in_turn(struct opener *o, struct job *j, struct result *ret)
{
	bool done = false;

	if (!j)
		return false;
	pthread_mutex_lock(&o->turn);
	pthread_mutex_lock(&o->lock);
	if (!hangs(o, j->w.maj, j->w.min) && have_thread(o))
		done = ask(o, j, ret);
	else
		free_job(j);
	pthread_mutex_unlock(&o->lock);
	pthread_mutex_unlock(&o->turn);
	return done;
}

struct file *opener_get(struct opener *o, const struct file_where *w, bool *ret_again)
{
	struct result r;

	*ret_again = !ask_in_turn(o, new_job(WISH_FILE, w), &r);
	return *ret_again ? NULL : r.f;
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

/* without an inode number it is no mapping, and its device is not known */
static bool may_hang(const struct files *fs, const struct file_where *w)
{
	return fs->opener && !w->maj && w->ino;
}

struct file *files_get_soon(struct files *fs, const struct file_where *w, bool *ret_again)
{
	*ret_again = false;
	if (!may_hang(fs, w))
		return files_get(fs, w);
	return opener_get(fs->opener, w, ret_again);
}

bool files_hang(struct files *fs, uint32_t maj, uint32_t min)
{
	bool r;

	if (!fs->opener || maj)
		return false;
	pthread_mutex_lock(&fs->opener->lock);
	r = hangs(fs->opener, maj, min);
	pthread_mutex_unlock(&fs->opener->lock);
	return r;
}

int file_open_mapping_soon(struct file *f, const struct file_where *w, struct stat *st)
{
	return files_open_mapping_soon(file_priv(f)->fs, w, st);
}

int files_open_mapping_soon(struct files *fs, const struct file_where *w, struct stat *st)
{
	struct result r;

	if (!may_hang(fs, w))
		return file_open_mapping(w, st);
	if (!ask_in_turn(fs->opener, new_job(WISH_MAPPING, w), &r))
		return -EAGAIN;
	*st = r.st;
	return r.fd;
}

int file_open_fd_soon(struct file *f)
{
	struct file_priv *p = file_priv(f);
	struct file_where w;
	struct result r;
	struct job *j;

	pthread_mutex_lock(&p->fs->lock);
	w = p->where;
	pthread_mutex_unlock(&p->fs->lock);
	if (!may_hang(p->fs, &w))
		return file_open_fd(f);
	j = new_job(WISH_AGAIN, &w);
	if (j)
		j->of = file_ref(f);
	return ask_in_turn(p->fs->opener, j, &r) ? r.fd : -EAGAIN;
}

static int read_here(int fd, uint64_t size, file_read_fn fn, void *ret)
{
	cleanup_close int own = fd;

	return fn(own, size, ret);
}

int files_read_soon(struct files *fs, const struct file_where *w, int fd, uint64_t size,
		    file_read_fn fn, void *ret, size_t len)
{
	struct result r;
	struct job *j;

	if (!may_hang(fs, w))
		return read_here(fd, size, fn, ret);
	j = new_job(WISH_READ, w);
	if (!j) {
		file_close_aside(fd, false);
		return -ENOMEM;
	}
	j->fn = fn;
	j->in = fd;
	j->in_size = size;
	if (!ask_in_turn(fs->opener, j, &r))
		return -EAGAIN;
	memcpy(ret, r.read, len);
	return r.status;
}
