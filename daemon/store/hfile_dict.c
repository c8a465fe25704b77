// SPDX-License-Identifier: GPL-2.0
/* The dictionary of a history file: in memory when it is needed, and while it is written on. */
#include <errno.h>

#include "base/clock.h"
#include "store/hfile_int.h"
#include "store/varint.h"

static int read_segment(struct dict *d, ZSTD_DCtx *z, sqlite3_stmt *q, struct buf *room)
{
	struct bytes in = { .p = sqlite3_column_blob(q, 0) };
	int r;

	if (!in.p)
		return -EBADMSG;
	in.end = in.p + sqlite3_column_bytes(q, 0);
	r = code_unpack(z, &in, HFILE_MAX_SEGMENT, room);
	if (!r)
		r = dict_read(d, room->data, room->len);
	return !r && dict_bytes(d) > HFILE_MAX_DICT ? -EBADMSG : r;
}

static int read_segments(struct dict *d, sqlite3 *db)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();
	struct buf room = { 0 };
	sqlite3_stmt *q;
	int r, step;

	if (!z)
		return -ENOMEM;
	r = hfile_errno(sqlite3_prepare_v2(db, "SELECT data FROM seg ORDER BY id", -1, &q, NULL));
	while (!r) {
		step = sqlite3_step(q);
		if (step != SQLITE_ROW) {
			r = hfile_errno(step);
			break;
		}
		r = read_segment(d, z, q, &room);
	}
	sqlite3_finalize(q);
	buf_free(&room);
	ZSTD_freeDCtx(z);
	return r;
}

int hfile_load(struct hfile *f, const char **why)
{
	int r;

	if (f->dict)
		return 0;
	*why = "its dictionary is damaged";
	r = hfile_reader(f);
	if (r)
		return r;
	f->dict = dict_new();
	if (!f->dict)
		return -ENOMEM;
	r = read_segments(f->dict, f->db);
	if (r) {
		dict_unref(f->dict);
		f->dict = NULL;
	}
	return r;
}

int hfile_begin_read(struct hfile *f)
{
	const char *why;
	int r;

	pthread_mutex_lock(&f->lock);
	__atomic_store_n(&f->used, mono_now(), __ATOMIC_RELAXED);
	r = hfile_load(f, &why);
	if (r)
		pthread_mutex_unlock(&f->lock);
	else
		pthread_mutex_lock(&f->dict->lock);
	return r;
}

void hfile_end_read(struct hfile *f)
{
	pthread_mutex_unlock(&f->dict->lock);
	pthread_mutex_unlock(&f->lock);
}

size_t hfile_cached(struct hfile *f)
{
	size_t n = 0;

	pthread_mutex_lock(&f->lock);
	if (f->dict && !f->wdb) {
		/* the writer may be about to take it over */
		pthread_mutex_lock(&f->dict->lock);
		n = dict_bytes(f->dict);
		pthread_mutex_unlock(&f->dict->lock);
	}
	pthread_mutex_unlock(&f->lock);
	return n;
}

void hfile_forget(struct hfile *f)
{
	if (pthread_mutex_trylock(&f->lock))
		return;
	if (!f->wdb) {
		hfile_close_reader(f);
		dict_unref(f->dict);
		f->dict = NULL;
	}
	pthread_mutex_unlock(&f->lock);
}
