// SPDX-License-Identifier: GPL-2.0
/*
 * Pins are copies: the windows of a range, at the finest there is of it, in a
 * file of its own that no limit takes away. So a pin costs what it holds, not
 * the days it lies in. The calling thread does the work (a request's, never the
 * collector's). pins_file.c lets such files come and go.
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
#include "store/pins.h"

int pins_fail(int r, char *err, size_t errlen, const char *text)
{
	snprintf(err, errlen, "%s", text);
	return r;
}

int pins_no_disk(char *err, size_t errlen)
{
	return pins_fail(-ENOTSUP, err, errlen,
			 "no history on disk: history-size is 0, or history-dir cannot be used");
}

int pins_check_range(const struct history *h, uint64_t from, uint64_t to, char *err, size_t errlen)
{
	if (!h)
		return pins_no_disk(err, errlen);
	if (to <= from)
		return pins_fail(-EINVAL, err, errlen,
				 "the range is empty: its end is not after its begin");
	return 0;
}

char *pins_path(const struct history *h, uint64_t id, const char *end)
{
	char *path;

	return asprintf(&path, "%s/pin-%" PRIu64 "%s", h->dir, id, end) < 0 ? NULL : path;
}

uint64_t pins_next_id(struct history *h)
{
	uint64_t id;

	pthread_mutex_lock(&h->lock);
	id = h->next_pin++;
	pthread_mutex_unlock(&h->lock);
	return id;
}

bool pins_reserve(struct history *h, uint64_t was, uint64_t bytes)
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
	int err = picks->n ? 0 : -ENODATA;

	*bytes = 0;
	for (size_t i = 0; !err && i < picks->n; i++) {
		uint64_t was = *bytes;

		err = copy_pick(r, &picks->p[i]);
		pthread_mutex_lock(&h->lock);
		*bytes = r->tiers[0].file->bytes;
		pthread_mutex_unlock(&h->lock);
		if (!pins_reserve(h, was, *bytes) && !err)
			err = -EDQUOT;
		/* it is to be readable, and read it takes no more than twice the memory */
		if (!err && dict_bytes(r->dict) > HFILE_MAX_DICT / 2)
			err = -EFBIG;
	}
	return err;
}

/* A roll of one file, which is new. roll_free it in any case. 0 or -errno. */
static int begin_copy(struct history *h, struct roll *r, ZSTD_CCtx **packer, const char *path,
		      const char *name)
{
	int err;

	roll_init(r, h, TIER_10S, 1, packer);
	r->whole = true;
	r->dict = dict_new();
	err = r->dict ? dict_make_writable(r->dict, 1) : -ENOMEM;
	if (!err)
		err = hfile_create(&r->tiers[0].file, path, h->origin, h->host, name, r->dict, 0);
	if (!err)
		r->tiers[0].file->tier = TIER_10S;
	return err;
}

int pins_copy(struct history *h, uint64_t from, uint64_t to, const char *path, const char *name,
	      uint64_t *bytes)
{
	/* not of others, that were imported: their numbers of tens mean something else */
	struct store_ask ask = { .from = from, .to = to, .step = history_steps[0] };
	ZSTD_CCtx *packer = NULL;
	struct roll r;
	struct picks picks;
	int err = feed_plan(h->store, &ask, &picks), sealed;

	*bytes = 0;
	if (err)
		return err;
	err = begin_copy(h, &r, &packer, path, name);
	if (!err) {
		err = copy_picks(h, &r, &picks, bytes);
		/* what is in the log alone does not go along */
		sealed = roll_seal(&r);
		err = err ? err : sealed;
	}
	roll_free(&r);
	ZSTD_freeCCtx(packer);
	picks_free(&picks);
	return err ? err : pins_put_sum(path);
}

int pins_explain(struct history *h, int r, uint64_t bytes, char *err, size_t errlen)
{
	switch (r) {
	case 0:
		return 0;
	case -EDQUOT:
		return too_much(h, bytes, err, errlen);
	case -ENODATA:
		return pins_fail(r, err, errlen, "nothing was recorded in that time");
	case -EFBIG:
		return pins_fail(r, err, errlen,
				 "too many different stacks for one file: take a shorter range");
	case -EBADMSG:
		return pins_fail(r, err, errlen, "the file is no export of ringprof, or damaged");
	case -ENOMEM:
		return pins_fail(r, err, errlen, "out of memory");
	default:
		snprintf(err, errlen, "the file cannot be made: %s", strerror(-r));
		return r;
	}
}

/* Power may fail: of a file its bytes, of a directory its names are on the disk then. */
static int sync_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	/* EINVAL: a file system without it. The disk's quota is not that of pins */
	if (fsync(fd) && errno != EINVAL)
		r = errno == EDQUOT ? -ENOSPC : -errno;
	close(fd);
	return r;
}

int pins_adopt(struct history *h, const char *path, uint64_t id, const char **why)
{
	cleanup_free char *to = pins_path(h, id, ".rph");
	struct hfile *f;
	int r;

	if (!to)
		return -ENOMEM;
	/* the log of one that had this number */
	hfile_remove(to);
	r = sync_path(path);
	if (r)
		return r;
	if (rename(path, to))
		return -errno;
	r = sync_path(h->dir);
	if (!r)
		r = hfile_open(&f, to, why);
	if (!r && !f->pin_name) {
		hfile_unref(f);
		r = -EBADMSG;
	}
	if (r) {
		hfile_remove(to);
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

	r = pins_check_range(h, from, to, err, errlen);
	if (r)
		return r;
	if (strlen(name) > STORE_PIN_NAME)
		return pins_fail(-EINVAL, err, errlen, "the name is longer than 200 bytes");
	id = pins_next_id(h);
	path = pins_path(h, id, ".tmp");
	if (!path)
		return pins_fail(-ENOMEM, err, errlen, "out of memory");
	r = pins_copy(h, from, to, path, name, &bytes);
	if (!r)
		r = pins_adopt(h, path, id, &why);
	if (r)
		hfile_remove(path);
	(void)pins_reserve(h, bytes, 0);
	if (!r && ret_id)
		*ret_id = id;
	return pins_explain(h, r, bytes, err, errlen);
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
