// SPDX-License-Identifier: GPL-2.0
/*
 * One mutex, one array in order of time; an event and its texts are one
 * allocation. What is added goes to the file first, if there is one. A list is copied under the lock and told without it, for the
 * callback may write to a slow client.
 */
#include "store/events.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "store/events_file.h"

enum { X_KIND, X_SERVICE, X_VERSION, X_GIT_REF, X_TEXT, X_MAX };

struct row {
	int refs;
	size_t bytes;
	struct store_event e;
	char texts[];
};

struct events {
	pthread_mutex_t lock;
	struct row **rows; /* by time */
	size_t n, cap, bytes;
	uint64_t last_id;
	struct events_file *file; /* NULL: none */
};

struct events *events_new(void)
{
	struct events *e = calloc(1, sizeof(*e));

	if (e)
		pthread_mutex_init(&e->lock, NULL);
	return e;
}

static void row_unref(struct row *r)
{
	if (r && !__atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL))
		free(r);
}

void events_free(struct events *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->n; i++)
		row_unref(e->rows[i]);
	free(e->rows);
	events_file_close(e->file);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static const char *put(char **at, const char *s)
{
	char *to = *at;

	*at = stpcpy(to, s) + 1;
	return to;
}

static struct row *make_row(const struct store_event *in)
{
	const char *t[X_MAX] = { in->kind, in->service, in->version, in->git_ref, in->text };
	size_t n = 0;
	struct row *r;
	char *at;

	for (int i = 0; i < X_MAX; i++)
		n += strlen(t[i]) + 1;
	r = malloc(sizeof(*r) + n);
	if (!r)
		return NULL;
	at = r->texts;
	r->refs = 1;
	r->bytes = sizeof(*r) + n;
	r->e = (struct store_event){ .time = in->time, .until = in->until };
	r->e.kind = put(&at, t[X_KIND]);
	r->e.service = put(&at, t[X_SERVICE]);
	r->e.version = put(&at, t[X_VERSION]);
	r->e.git_ref = put(&at, t[X_GIT_REF]);
	r->e.text = put(&at, t[X_TEXT]);
	return r;
}

static bool valid(const struct store_event *in)
{
	if (strcmp(in->kind, "deploy") && strcmp(in->kind, "note"))
		return false;
	return strlen(in->service) <= STORE_EVENT_TEXT && strlen(in->version) <= STORE_EVENT_TEXT &&
	       strlen(in->git_ref) <= STORE_EVENT_TEXT && strlen(in->text) <= STORE_EVENT_TEXT &&
	       (!in->until || in->until >= in->time);
}

/* With the lock held; mostly at the end. */
static int insert(struct events *e, struct row *r)
{
	struct row **rows = array_room(e->rows, &e->cap, e->n + 1, sizeof(struct row *));
	size_t i;

	if (!rows)
		return -ENOMEM;
	e->rows = rows;
	for (i = e->n; i && rows[i - 1]->e.time > r->e.time; i--)
		rows[i] = rows[i - 1];
	rows[i] = r;
	e->n++;
	e->bytes += r->bytes;
	return 0;
}

static void drop_oldest(struct events *e)
{
	size_t n = 0;

	for (; e->bytes > EVENTS_MAX_BYTES && n + 1 < e->n; n++) {
		e->bytes -= e->rows[n]->bytes;
		if (e->file)
			events_file_drop(e->file, e->rows[n]->e.id);
		row_unref(e->rows[n]);
	}
	e->n -= n;
	memmove(e->rows, e->rows + n, e->n * sizeof(struct row *));
}

/* With the lock held; id 0: a new one. */
static int add(struct events *e, const struct store_event *in, bool keep, uint64_t *ret_id)
{
	struct row *r = make_row(in);
	int err = r ? 0 : -ENOMEM;

	if (!err) {
		r->e.id = in->id ? in->id : e->last_id + 1;
		err = keep && e->file ? events_file_add(e->file, &r->e) : 0;
	}
	if (!err)
		err = insert(e, r);
	if (err) {
		row_unref(r);
		return err;
	}
	if (r->e.id > e->last_id)
		e->last_id = r->e.id;
	if (ret_id)
		*ret_id = r->e.id;
	drop_oldest(e);
	return 0;
}

int events_add(struct events *e, const struct store_event *in, uint64_t *ret_id)
{
	int r;

	if (!valid(in))
		return -EINVAL;
	pthread_mutex_lock(&e->lock);
	r = add(e, in, true, ret_id);
	pthread_mutex_unlock(&e->lock);
	return r;
}

static int add_read(void *arg, const struct store_event *in)
{
	/* what another version wrote and this one does not know is left out */
	return in->id && valid(in) ? add(arg, in, false, NULL) : 0;
}

int events_keep(struct events *e, const char *path)
{
	struct events_file *f = NULL;
	int r;

	pthread_mutex_lock(&e->lock);
	r = events_file_open(&f, path, add_read, e);
	if (!r) {
		events_file_close(e->file);
		e->file = f;
	}
	pthread_mutex_unlock(&e->lock);
	return r;
}

static bool overlaps(const struct store_event *e, uint64_t from, uint64_t to)
{
	return e->time < to && (e->until > e->time ? e->until > from : e->time >= from);
}

int events_list(struct events *e, uint64_t from, uint64_t to,
		int (*fn)(void *arg, const struct store_event *e), void *arg)
{
	cleanup_free struct row **copy = NULL;
	size_t n = 0;
	int r = 0;

	pthread_mutex_lock(&e->lock);
	copy = malloc((e->n + 1) * sizeof(struct row *));
	for (size_t i = 0; copy && i < e->n; i++) {
		if (!overlaps(&e->rows[i]->e, from, to))
			continue;
		__atomic_add_fetch(&e->rows[i]->refs, 1, __ATOMIC_RELAXED);
		copy[n++] = e->rows[i];
	}
	pthread_mutex_unlock(&e->lock);
	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!r)
			r = fn(arg, &copy[i]->e);
		row_unref(copy[i]);
	}
	return r;
}
