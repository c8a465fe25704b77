// SPDX-License-Identifier: GPL-2.0
/*
 * Ranges as files for elsewhere. An export is made as a pin is, and unlinked
 * when it stands: whoever holds it reads it, and if the daemon dies it is gone.
 * An import is written beside the pins, checked to its last window, and renamed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "store/pins.h"

#define RESERVE_STEP (1U << 20)
/* sqlite.org/fileformat2.html, "The Database Header": the application's id stands at its byte 68 */
#define SQLITE_MAGIC  "SQLite format 3"
#define SQLITE_APP_ID 68
#define SQLITE_HEAD   (SQLITE_APP_ID + 4)

struct store_file {
	struct history *history;
	int fd;
	uint64_t size;
	uint64_t reserved; /* bytes that are in the budget for it alone */
};

struct store_import {
	struct history *history;
	char *path;
	int fd;
	uint64_t id, size, reserved;
	unsigned char head[SQLITE_HEAD];
};

static int open_file(struct history *h, const char *path, struct store_file **ret)
{
	struct store_file *f = calloc(1, sizeof(*f));
	struct stat st;

	if (!f)
		return -ENOMEM;
	f->history = h;
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0 || fstat(f->fd, &st)) {
		int r = -errno;

		store_file_close(f);
		return r;
	}
	f->size = (uint64_t)st.st_size;
	*ret = f;
	return 0;
}

int store_export(struct store *s, uint64_t from, uint64_t to, struct store_file **ret, char *err,
		 size_t errlen)
{
	struct history *h = s->history;
	cleanup_free char *path = NULL;
	uint64_t bytes;
	int r;

	r = pins_check_range(h, from, to, err, errlen);
	if (r)
		return r;
	path = pins_path(h, pins_next_id(h), ".tmp");
	if (!path)
		return pins_fail(-ENOMEM, err, errlen, "out of memory");
	r = pins_copy(h, from, to, path, "export", &bytes);
	if (!r)
		r = open_file(h, path, ret);
	hfile_remove(path);
	if (r)
		(void)pins_reserve(h, bytes, 0);
	else
		(*ret)->reserved = bytes;
	return pins_explain(h, r, bytes, err, errlen);
}

int store_export_pin(struct store *s, uint64_t id, struct store_file **ret, char *err,
		     size_t errlen)
{
	struct history *h = s->history;
	struct hfile *f = NULL;
	int r;

	if (!h)
		return pins_no_disk(err, errlen);
	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; !f && i < h->n_files; i++)
		if (h->files[i]->is_pin && h->files[i]->number == id)
			f = hfile_ref(h->files[i]);
	pthread_mutex_unlock(&h->lock);
	if (!f)
		return pins_fail(-ENOENT, err, errlen, "there is no pin of that number");
	r = open_file(h, f->path, ret);
	hfile_unref(f);
	return pins_explain(h, r, 0, err, errlen);
}

uint64_t store_file_size(const struct store_file *f)
{
	return f->size;
}

ssize_t store_file_read(const struct store_file *f, uint64_t at, void *room, size_t n)
{
	ssize_t got;

	do
		got = pread(f->fd, room, n, (off_t)at);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

void store_file_close(struct store_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	(void)pins_reserve(f->history, f->reserved, 0);
	free(f);
}

/* ---- coming in ---- */

/* Would pins of so many bytes more be allowed? Nothing is set aside for them yet. */
static bool has_room(struct history *h, uint64_t bytes)
{
	bool ok = pins_reserve(h, 0, bytes);

	(void)pins_reserve(h, bytes, 0);
	return ok;
}

int store_import_begin(struct store *s, uint64_t size, struct store_import **ret, char *err,
		       size_t errlen)
{
	struct history *h = s->history;
	struct store_import *in;

	if (!h)
		return pins_no_disk(err, errlen);
	if (!has_room(h, size))
		return pins_explain(h, -EDQUOT, size, err, errlen);
	in = calloc(1, sizeof(*in));
	if (!in)
		return pins_fail(-ENOMEM, err, errlen, "out of memory");
	in->history = h;
	in->id = pins_next_id(h);
	in->fd = -1;
	in->path = pins_path(h, in->id, ".tmp");
	if (in->path) {
		hfile_remove(in->path);
		in->fd = open(in->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	}
	if (in->fd < 0) {
		int r = in->path ? -errno : -ENOMEM;

		store_import_drop(in);
		return pins_explain(h, r, 0, err, errlen);
	}
	*ret = in;
	return 0;
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno != EINTR)
			return -errno;
		p += k > 0 ? k : 0;
		n -= k > 0 ? (size_t)k : 0;
	}
	return 0;
}

/* Room is made for what comes, so what is plainly something else must not come in whole. */
static bool head_is_ours(struct store_import *in, const void *p, size_t n)
{
	size_t have = in->size < SQLITE_HEAD ? (size_t)in->size : SQLITE_HEAD;
	size_t more = n < SQLITE_HEAD - have ? n : SQLITE_HEAD - have;
	const unsigned char *id = in->head + SQLITE_APP_ID;

	memcpy(in->head + have, p, more);
	if (have + more < SQLITE_HEAD)
		return true; /* not known yet */
	return !memcmp(in->head, SQLITE_MAGIC, sizeof(SQLITE_MAGIC)) &&
	       ((uint32_t)id[0] << 24 | id[1] << 16 | id[2] << 8 | id[3]) == HFILE_APP_ID;
}

int store_import_write(struct store_import *in, const void *p, size_t n, char *err, size_t errlen)
{
	struct history *h = in->history;
	uint64_t was = in->reserved;

	if (!head_is_ours(in, p, n))
		return pins_explain(h, -EBADMSG, 0, err, errlen);
	in->size += n;
	if (in->size > was) {
		in->reserved = (in->size + RESERVE_STEP - 1) / RESERVE_STEP * RESERVE_STEP;
		if (!pins_reserve(h, was, in->reserved))
			return pins_explain(h, -EDQUOT, in->size, err, errlen);
	}
	return pins_explain(h, write_all(in->fd, p, n), in->size, err, errlen);
}

/* A window that would take more memory than one of ours ever does is refused with the figure. */
static int check_size(struct hfile *f, const struct hrow *row, char *err, size_t errlen)
{
	uint64_t n;
	int r = hfile_entries(f, row, &n);

	if (r || n <= HFILE_MAX_ENTRIES)
		return r;
	snprintf(err, errlen,
		 "a window of the file has %" PRIu64 " entries, %" PRIu64 " MiB of memory; %u at "
		 "most are taken",
		 n, n * sizeof(struct window_entry) >> 20, HFILE_MAX_ENTRIES);
	return -EBADMSG;
}

/* Reads all of it once: what is taken in must be readable. */
static int check_all(const char *path, char *err, size_t errlen)
{
	struct hfile *f;
	const char *why;
	int r = hfile_open(&f, path, &why);

	if (r)
		return r;
	r = !f->pin_name || !f->n_rows ? -EBADMSG : pins_check_sum(path);
	for (size_t i = 0; !r && i < f->n_rows; i++) {
		struct window *w = NULL;

		r = check_size(f, &f->rows[i], err, errlen);
		if (!r)
			r = hfile_window(f, &f->rows[i], NULL, false, &w);
		window_unref(w);
	}
	hfile_unref(f);
	return r;
}

int store_import_end(struct store_import *in, uint64_t *ret_id, char *err, size_t errlen)
{
	struct history *h = in->history;
	uint64_t size = in->size;
	const char *why;
	int r;

	*err = '\0';
	r = check_all(in->path, err, errlen);
	if (!r) {
		r = pins_reserve(h, in->reserved, size) ? 0 : -EDQUOT;
		in->reserved = size;
	}
	if (!r)
		r = pins_adopt(h, in->path, in->id, &why);
	if (!r && ret_id)
		*ret_id = in->id;
	store_import_drop(in);
	return *err ? r : pins_explain(h, r, size, err, errlen);
}

/* An adopted file stands under another name by then. */
void store_import_drop(struct store_import *in)
{
	if (!in)
		return;
	if (in->fd >= 0) {
		close(in->fd);
		hfile_remove(in->path);
	}
	(void)pins_reserve(in->history, in->reserved, 0);
	free(in->path);
	free(in);
}
