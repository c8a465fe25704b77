// SPDX-License-Identifier: GPL-2.0
/*
 * Pins are copies: the windows of a range, at the finest there is of it, in a
 * file of its own that no limit takes away. So a pin costs what it holds, not
 * the days it lies in; an export is such a file, and an import becomes one.
 * The calling thread does the work (a request's, never the collector's).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "store/feed.h"
#include "store/history.h"

static int fail(int r, char *err, size_t errlen, const char *text)
{
	snprintf(err, errlen, "%s", text);
	return r;
}

static int no_disk(char *err, size_t errlen)
{
	return fail(-ENOTSUP, err, errlen,
		    "no history on disk: history-size is 0, or history-dir cannot be used");
}

/* pin-N.rph, or with .tmp while it is made: those are removed at the next start. */
static char *pin_path(const struct history *h, uint64_t id, const char *end)
{
	char *path;

	return asprintf(&path, "%s/pin-%" PRIu64 "%s", h->dir, id, end) < 0 ? NULL : path;
}

static uint64_t next_id(struct history *h)
{
	uint64_t id;

	pthread_mutex_lock(&h->lock);
	id = h->next_pin++;
	pthread_mutex_unlock(&h->lock);
	return id;
}

/* Sets bytes being written aside in the budget; false: more than pins may hold. */
static bool reserve(struct history *h, uint64_t was, uint64_t bytes)
{
	uint64_t pinned = 0;
	bool ok;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->n_files; i++)
		pinned += h->files[i]->is_pin ? h->files[i]->bytes : 0;
	h->reserved = h->reserved - was + bytes;
	ok = pinned + h->reserved <= h->cfg.max_bytes / 2;
	pthread_mutex_unlock(&h->lock);
	return ok;
}

static int too_much(struct history *h, uint64_t bytes, char *err, size_t errlen)
{
	uint64_t pinned = 0, max;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->n_files; i++)
		pinned += h->files[i]->is_pin ? h->files[i]->bytes : 0;
	max = h->cfg.max_bytes;
	pthread_mutex_unlock(&h->lock);
	snprintf(err, errlen,
		 "pins may hold %" PRIu64 " bytes, half of history-size; they hold %" PRIu64
		 " and this one needs %" PRIu64 " or more: unpin one, pin a shorter range, or "
		 "raise history-size",
		 max / 2, pinned, bytes);
	return -ENOSPC;
}

static int copy_pick(struct roll *r, const struct pick *p)
{
	struct window *w = p->w ? window_ref(p->w) : NULL;
	int err = w ? 0 : hfile_window(p->f, &p->row, NULL, false, &w);

	if (!err)
		err = roll_add(r, w, p->first_seq, p->last_seq);
	window_unref(w);
	return err;
}

static int copy_picks(struct history *h, struct roll *r, const struct picks *picks, uint64_t *bytes)
{
	size_t n = 0;
	int err = 0;

	*bytes = 0;
	for (size_t i = 0; !err && i < picks->n; i++) {
		uint64_t was = *bytes;

		/* of others, that were imported: their numbers mean something else */
		if (picks->p[i].origin != h->origin)
			continue;
		err = copy_pick(r, &picks->p[i]);
		n++;
		pthread_mutex_lock(&h->lock);
		*bytes = r->file ? r->file->bytes : was;
		pthread_mutex_unlock(&h->lock);
		if (!reserve(h, was, *bytes) && !err)
			err = -EDQUOT;
	}
	return err || n ? err : -ENODATA;
}

/*
 * Copies the range into a new file at path and closes it. *bytes stay reserved
 * in the budget, also when it fails.
 */
static int copy_range(struct history *h, uint64_t from, uint64_t to, const char *path,
		      const char *name, uint64_t *bytes)
{
	struct store_ask ask = { .from = from, .to = to, .step = history_steps[0] };
	struct roll r = { .history = h, .tier = TIER_10S, .step = history_steps[0], .whole = true };
	struct picks picks;
	int err = feed_plan(h->store, &ask, &picks);

	*bytes = 0;
	if (err)
		return err;
	err = hfile_create(&r.file, path, h->origin, h->host, name);
	if (!err) {
		r.file->tier = TIER_10S;
		err = copy_picks(h, &r, &picks, bytes);
		roll_seal(&r);
	}
	roll_free(&r);
	picks_free(&picks);
	return err;
}

static int explain(struct history *h, int r, uint64_t bytes, char *err, size_t errlen)
{
	switch (r) {
	case 0:
		return 0;
	case -EDQUOT:
		return too_much(h, bytes, err, errlen);
	case -ENODATA:
		return fail(r, err, errlen, "nothing was recorded in that time");
	case -EBADMSG:
		return fail(r, err, errlen, "the file is no export of ringprof, or damaged");
	default:
		return fail(r, err, errlen, strerror(-r));
	}
}

/* A finished file becomes the pin of that number; takes it into the list. */
static int adopt(struct history *h, const char *path, uint64_t id, const char **why)
{
	cleanup_free char *to = pin_path(h, id, ".rph");
	struct hfile *f;
	int r;

	if (!to)
		return -ENOMEM;
	if (rename(path, to))
		return -errno;
	r = hfile_open(&f, to, why);
	if (!r && !f->pin_name) {
		hfile_unref(f);
		r = -EBADMSG;
	}
	if (r) {
		unlink(to);
		return r;
	}
	f->tier = TIER_10S;
	f->number = (uint32_t)id;
	f->is_pin = true;
	r = history_add_file(h, f);
	if (r) {
		hfile_unlink(f);
		hfile_unref(f);
	}
	return r;
}

int store_pin(struct store *s, uint64_t from, uint64_t to, const char *name, uint64_t *ret_id,
	      char *err, size_t errlen)
{
	struct history *h = s->history;
	cleanup_free char *path = NULL;
	const char *why = "";
	uint64_t id, bytes;
	int r;

	if (!h)
		return no_disk(err, errlen);
	if (to <= from)
		return fail(-EINVAL, err, errlen,
			    "the range is empty: its end is not after its begin");
	if (strlen(name) > STORE_PIN_NAME)
		return fail(-EINVAL, err, errlen, "the name is longer than 200 bytes");
	id = next_id(h);
	path = pin_path(h, id, ".tmp");
	if (!path)
		return fail(-ENOMEM, err, errlen, "out of memory");
	r = copy_range(h, from, to, path, name, &bytes);
	if (!r)
		r = adopt(h, path, id, &why);
	if (r)
		unlink(path);
	(void)reserve(h, bytes, 0);
	if (!r && ret_id)
		*ret_id = id;
	return explain(h, r, bytes, err, errlen);
}

int store_unpin(struct store *s, uint64_t id)
{
	struct history *h = s->history;
	struct hfile *f = NULL;

	if (!h)
		return -ENOENT;
	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; !f && i < h->n_files; i++)
		if (h->files[i]->is_pin && h->files[i]->number == id)
			f = history_take_out(h, i);
	pthread_mutex_unlock(&h->lock);
	if (!f)
		return -ENOENT;
	hfile_unlink(f);
	hfile_unref(f);
	return 0;
}

static void tell_pin(struct history *h, const struct hfile *f, struct store_pin *ret)
{
	*ret = (struct store_pin){ .id = f->number,
				   .bytes = f->bytes,
				   .name = f->pin_name,
				   .origin = f->origin == h->origin ? "" : f->pin_host };
	for (size_t i = 0; i < f->n_rows; i++) {
		if (!i || f->rows[i].from < ret->from)
			ret->from = f->rows[i].from;
		if (f->rows[i].to > ret->to)
			ret->to = f->rows[i].to;
	}
}

int store_pins(struct store *s, int (*fn)(void *arg, const struct store_pin *p), void *arg)
{
	struct history *h = s->history;
	int r = 0;

	for (size_t i = 0; h && !r; i++) {
		struct hfile *f = NULL;
		struct store_pin p;

		pthread_mutex_lock(&h->lock);
		while (i < h->n_files && !h->files[i]->is_pin)
			i++;
		if (i < h->n_files) {
			f = hfile_ref(h->files[i]);
			tell_pin(h, f, &p);
		}
		pthread_mutex_unlock(&h->lock);
		if (!f)
			break;
		r = fn(arg, &p);
		hfile_unref(f);
	}
	return r;
}

/* ---- files for elsewhere ---- */

/* All of `from` to `to`, at most max bytes. */
static int copy_fd(int from, int to, uint64_t max)
{
	char room[65536];
	uint64_t sum = 0;

	for (;;) {
		ssize_t n = read(from, room, sizeof(room));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		sum += (uint64_t)n;
		if (sum > max)
			return -EDQUOT;
		for (ssize_t at = 0; at < n;) {
			ssize_t k = write(to, room + at, (size_t)(n - at));

			if (k < 0 && errno != EINTR)
				return -errno;
			at += k > 0 ? k : 0;
		}
	}
}

int store_export(struct store *s, uint64_t from, uint64_t to, int fd, char *err, size_t errlen)
{
	struct history *h = s->history;
	cleanup_free char *path = NULL;
	cleanup_close int in = -1;
	uint64_t bytes;
	int r;

	if (!h)
		return no_disk(err, errlen);
	if (to <= from)
		return fail(-EINVAL, err, errlen,
			    "the range is empty: its end is not after its begin");
	path = pin_path(h, next_id(h), ".tmp");
	if (!path)
		return fail(-ENOMEM, err, errlen, "out of memory");
	r = copy_range(h, from, to, path, "export", &bytes);
	if (!r) {
		in = open(path, O_RDONLY | O_CLOEXEC);
		r = in < 0 ? -errno : copy_fd(in, fd, UINT64_MAX);
	}
	unlink(path);
	(void)reserve(h, bytes, 0);
	return explain(h, r, bytes, err, errlen);
}

/* Reads all of it once: what is taken in must be readable. */
static int check_all(struct hfile *f)
{
	int r = f->pin_name && f->n_rows ? 0 : -EBADMSG;

	for (size_t i = 0; !r && i < f->n_rows; i++) {
		struct window *w;

		r = hfile_window(f, &f->rows[i], NULL, false, &w);
		if (!r)
			window_unref(w);
	}
	return r;
}

static int take_in(struct history *h, int fd, const char *path, uint64_t *bytes)
{
	cleanup_close int out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	uint64_t max;
	struct hfile *f;
	const char *why;
	int r;

	if (out < 0)
		return -errno;
	pthread_mutex_lock(&h->lock);
	max = h->cfg.max_bytes / 2;
	pthread_mutex_unlock(&h->lock);
	r = copy_fd(fd, out, max);
	if (r) {
		*bytes = r == -EDQUOT ? max : 0;
		(void)reserve(h, 0, *bytes);
		return r;
	}
	r = hfile_open(&f, path, &why);
	if (r)
		return r;
	*bytes = f->bytes;
	r = reserve(h, 0, *bytes) ? check_all(f) : -EDQUOT;
	hfile_unref(f);
	return r;
}

int store_import(struct store *s, int fd, uint64_t *ret_id, char *err, size_t errlen)
{
	struct history *h = s->history;
	cleanup_free char *path = NULL;
	uint64_t id, bytes = 0;
	const char *why;
	int r;

	if (!h)
		return no_disk(err, errlen);
	id = next_id(h);
	path = pin_path(h, id, ".tmp");
	if (!path)
		return fail(-ENOMEM, err, errlen, "out of memory");
	r = take_in(h, fd, path, &bytes);
	if (!r)
		r = adopt(h, path, id, &why);
	if (r)
		unlink(path);
	(void)reserve(h, bytes, 0);
	if (!r && ret_id)
		*ret_id = id;
	return explain(h, r, bytes, err, errlen);
}
