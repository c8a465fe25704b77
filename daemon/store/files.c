// SPDX-License-Identifier: GPL-2.0
/*
 * The files of the history: which there are, which go, which are new.
 *
 * A file holds a day of a tier (or less: files are cut so that what goes at
 * once is a small part of the budget). What is too old goes; over the budget,
 * or on a full disk, the oldest file of the finest tier that has more than its
 * guaranteed share. Pins are never taken.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "store/history.h"

#define MAX_DICT (24U << 20) /* bytes of one file's dictionary in memory */

/* a log of each file written on, when it is folded in: those bytes are there twice then */
#define FOLDED_IN     (1U << 20)
#define NEW_FILE_NEED (128U << 10)

/* what the finer tiers cannot take, in percent of the budget */
static const unsigned int shares[HISTORY_TIERS] = { 25, 30, 20, 20 };

uint64_t history_share(const struct history *h, enum store_tier tier)
{
	return h->cfg.max_bytes / 100 * shares[tier - TIER_10S];
}

static bool before(const struct hfile *a, const struct hfile *b)
{
	if (a->is_pin != b->is_pin)
		return b->is_pin;
	if (a->tier != b->tier)
		return a->tier < b->tier;
	return a->day != b->day ? a->day < b->day : a->number < b->number;
}

int history_add_file(struct history *h, struct hfile *f)
{
	struct hfile **files;
	size_t i;

	pthread_mutex_lock(&h->lock);
	files = array_room(h->files, &h->cap_files, h->n_files + 1, sizeof(struct hfile *));
	if (files) {
		h->files = files;
		for (i = h->n_files; i && before(f, files[i - 1]); i--)
			files[i] = files[i - 1];
		files[i] = f;
		h->n_files++;
	}
	pthread_mutex_unlock(&h->lock);
	return files ? 0 : -ENOMEM;
}

struct hfile *history_take_out(struct history *h, size_t i)
{
	struct hfile *f = h->files[i];

	h->n_files--;
	memmove(h->files + i, h->files + i + 1, (h->n_files - i) * sizeof(struct hfile *));
	return f;
}

/* ---- names ---- */

static void date_of(uint64_t day, char ret[16])
{
	time_t t = (time_t)(day * 86400);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(ret, 16, "%Y%m%d", &tm);
}

static char *path_of(const struct history *h, enum store_tier tier, uint64_t day, uint32_t n)
{
	char *path, date[16];

	date_of(day, date);
	if (asprintf(&path, "%s/%s-%s-%u.rph", h->dir, history_names[tier - TIER_10S], date, n) < 0)
		return NULL;
	return path;
}

/* 10s-20261123-0.rph, pin-7.rph; false: no name of ours */
static bool parse_name(const char *name, struct hfile *f)
{
	struct tm tm = { 0 };
	const char *rest;
	int used = 0;

	if (sscanf(name, "pin-%" SCNu32 ".rph%n", &f->number, &used) == 1 && used && !name[used]) {
		f->is_pin = true;
		return true;
	}
	for (unsigned int t = 0; t < HISTORY_TIERS; t++) {
		size_t n = strlen(history_names[t]);

		if (strncmp(name, history_names[t], n) || name[n] != '-')
			continue;
		rest = strptime(name + n + 1, "%Y%m%d", &tm);
		used = 0;
		if (!rest || sscanf(rest, "-%" SCNu32 ".rph%n", &f->number, &used) != 1 || !used ||
		    rest[used])
			return false;
		f->tier = TIER_10S + t;
		f->day = (uint64_t)(timegm(&tm) / 86400);
		return true;
	}
	return false;
}

/* ---- at start ---- */

static const char *misplaced(const struct hfile *f)
{
	uint64_t longest = f->is_pin ? UINT64_MAX : 2 * history_steps[f->tier - TIER_10S];

	if (f->is_pin != (f->pin_name != NULL))
		return "its name says something else than what is in it";
	for (size_t i = 0; i < f->n_rows; i++)
		if (f->rows[i].to - f->rows[i].from > longest)
			return "its windows are longer than those of its tier";
	return NULL;
}

static void refuse(struct history *h, const char *path, const char *why)
{
	hfile_set_aside(path);
	history_say(h, "history: %s: %s; it is set aside as %s.refused", path, why, path);
	pthread_mutex_lock(&h->lock);
	h->c.refused++;
	pthread_mutex_unlock(&h->lock);
}

static int scan_file(struct history *h, const char *name, const struct hfile *named)
{
	char path[4096];
	struct hfile *f;
	const char *why;
	int r;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", h->dir, name) >= sizeof(path))
		return 0;
	r = hfile_open(&f, path, &why);
	if (r == -ENOMEM)
		return r;
	if (!r) {
		f->tier = named->is_pin ? TIER_10S : named->tier;
		f->day = named->day;
		f->number = named->number;
		f->is_pin = named->is_pin;
		why = misplaced(f);
		if (!why)
			return history_add_file(h, f);
		hfile_unref(f);
	}
	refuse(h, path, why);
	return 0;
}

int history_scan(struct history *h)
{
	DIR *dir = opendir(h->dir);
	struct dirent *e;
	int r = 0;

	if (!dir)
		return -errno;
	while (!r && (e = readdir(dir))) {
		struct hfile named = { 0 };
		size_t n = strlen(e->d_name);

		/* what a copy that was cut short left behind */
		if (n > 4 && !strcmp(e->d_name + n - 4, ".tmp"))
			unlinkat(dirfd(dir), e->d_name, 0);
		if (!parse_name(e->d_name, &named))
			continue;
		r = scan_file(h, e->d_name, &named);
		if (named.is_pin && named.number >= h->next_pin)
			h->next_pin = named.number + 1U;
	}
	closedir(dir);
	return r;
}

/* ---- files to write on ---- */

bool history_file_is_full(struct history *h, const struct hfile *f)
{
	uint64_t most;

	pthread_mutex_lock(&h->lock);
	most = history_share(h, f->tier) / 4;
	pthread_mutex_unlock(&h->lock);
	return f->bytes > (most > HISTORY_LEAST ? most : HISTORY_LEAST) ||
	       dict_bytes(f->dict) > MAX_DICT;
}

/* The last file of that day, a reference; NULL: none. *next: a number for one more. */
static struct hfile *last_file(struct history *h, enum store_tier tier, uint64_t day,
			       uint32_t *next)
{
	struct hfile *last = NULL;

	*next = 0;
	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->n_files; i++) {
		struct hfile *f = h->files[i];

		if (f->is_pin || f->tier != tier || f->day != day)
			continue;
		*next = f->number + 1;
		last = f->origin == h->origin && !f->bad ? f : NULL;
	}
	if (last) {
		last->busy = true;
		hfile_ref(last);
	}
	pthread_mutex_unlock(&h->lock);
	return last;
}

static int new_file(struct history *h, enum store_tier tier, uint64_t day, uint32_t number,
		    struct hfile **ret)
{
	cleanup_free char *path = NULL;
	struct hfile *f;
	int r = -EEXIST;

	for (uint32_t n = number; r == -EEXIST && n < number + 1000; n++) {
		free(path);
		path = path_of(h, tier, day, n);
		if (!path)
			return -ENOMEM;
		r = hfile_create(&f, path, h->origin, h->host, NULL);
		if (!r)
			f->number = n;
	}
	if (r)
		return r;
	f->tier = tier;
	f->day = day;
	f->busy = true;
	r = history_add_file(h, hfile_ref(f));
	if (r) {
		hfile_unref(f);
		hfile_unlink(f);
		hfile_unref(f);
		return r;
	}
	*ret = f;
	return 0;
}

void history_release(struct history *h, struct hfile *f)
{
	pthread_mutex_lock(&h->lock);
	f->busy = false;
	pthread_mutex_unlock(&h->lock);
	hfile_unref(f);
}

int history_file_for(struct history *h, enum store_tier tier, uint64_t wall, struct hfile **ret)
{
	uint32_t next;
	struct hfile *f = last_file(h, tier, wall / HISTORY_DAY, &next);
	const char *why = "it cannot be written on";
	int r;

	if (f) {
		r = hfile_make_writable(f, &why);
		if (!r && !history_file_is_full(h, f)) {
			*ret = f;
			return 0;
		}
		if (!r)
			hfile_seal(f);
		else if (r == -EBADMSG)
			history_found_bad(h, f, why);
		history_release(h, f);
	}
	/* four empty tables and their log */
	if (!history_room(h, NEW_FILE_NEED, false))
		return -ENOSPC;
	for (int tries = 0; tries < 8; tries++) {
		r = new_file(h, tier, wall / HISTORY_DAY, next, ret);
		if (r != -ENOSPC)
			break;
		(void)history_room(h, NEW_FILE_NEED, true);
	}
	return r;
}

/* ---- files that go ---- */

void history_found_bad(struct history *h, struct hfile *f, const char *why)
{
	pthread_mutex_lock(&h->lock);
	if (!f->bad)
		f->bad = why;
	pthread_mutex_unlock(&h->lock);
}

static struct hfile *first_bad(struct history *h)
{
	for (size_t i = 0; i < h->n_files; i++)
		if (h->files[i]->bad)
			return history_take_out(h, i);
	return NULL;
}

static struct hfile *first_too_old(struct history *h, uint64_t now)
{
	for (size_t i = 0; i < h->n_files; i++) {
		struct hfile *f = h->files[i];
		uint64_t age = f->is_pin ? 0 : h->cfg.max_age[f->tier - TIER_10S];

		if (f->is_pin || f->busy || now < age)
			continue;
		if (!f->n_rows || f->rows[f->n_rows - 1].to < now - age)
			return history_take_out(h, i);
	}
	return NULL;
}

static uint64_t tier_bytes(const struct history *h, enum store_tier tier)
{
	uint64_t n = 0;

	for (size_t i = 0; i < h->n_files; i++)
		if (!h->files[i]->is_pin && h->files[i]->tier == tier)
			n += h->files[i]->bytes;
	return n;
}

/* Files are in order of time within a tier. NULL: all there is, is written on or pinned. */
static struct hfile *oldest(struct history *h, bool above_share)
{
	for (unsigned int t = 0; t < HISTORY_TIERS; t++) {
		enum store_tier tier = TIER_10S + t;

		if (above_share && tier_bytes(h, tier) <= history_share(h, tier))
			continue;
		for (size_t i = 0; i < h->n_files; i++)
			if (!h->files[i]->is_pin && h->files[i]->tier == tier && !h->files[i]->busy)
				return history_take_out(h, i);
	}
	return NULL;
}

static uint64_t all_bytes(const struct history *h)
{
	uint64_t n = h->reserved;

	for (size_t i = 0; i < h->n_files; i++)
		n += h->files[i]->bytes;
	return n;
}

/* With the lock held: what has to go next, and why. */
static struct hfile *next_to_go(struct history *h, uint64_t now, uint64_t need, bool *full,
				const char **bad)
{
	struct hfile *f = first_bad(h);

	*bad = NULL;
	if (f) {
		*bad = f->bad;
		return f;
	}
	f = first_too_old(h, now);
	if (f) {
		h->c.dropped_by_age++;
		return f;
	}
	if (!*full && all_bytes(h) + need + FOLDED_IN <= h->cfg.max_bytes)
		return NULL;
	f = oldest(h, true);
	if (!f)
		f = oldest(h, false);
	if (f && *full)
		h->c.dropped_by_full_disk++;
	else if (f)
		h->c.dropped_by_budget++;
	*full = false;
	return f;
}

bool history_room(struct history *h, uint64_t need, bool full)
{
	uint64_t now = history_now(h);
	const char *bad;
	bool room;

	if (full && !__atomic_exchange_n(&h->full, true, __ATOMIC_RELAXED))
		history_say(h,
			    "history: no room left on the disk of %s: sampling goes on, the oldest "
			    "files go",
			    h->dir);
	for (;;) {
		struct hfile *f;

		pthread_mutex_lock(&h->lock);
		f = next_to_go(h, now, need, &full, &bad);
		room = all_bytes(h) + need <= h->cfg.max_bytes;
		pthread_mutex_unlock(&h->lock);
		if (!f)
			return room;
		if (bad)
			refuse(h, f->path, bad);
		else
			hfile_unlink(f);
		hfile_unref(f);
	}
}

/* ---- the cache of dictionaries ---- */

/* The one not used for longest, a reference; *sum: bytes of all. */
static struct hfile *coldest(struct history *h, size_t *sum)
{
	cleanup_free struct hfile **files = NULL;
	struct hfile *cold = NULL;
	size_t n = 0;

	*sum = 0;
	pthread_mutex_lock(&h->lock);
	files = malloc((h->n_files + 1) * sizeof(struct hfile *));
	for (; files && n < h->n_files; n++)
		files[n] = hfile_ref(h->files[n]);
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 0; i < n; i++) {
		size_t bytes = hfile_cached(files[i]);

		*sum += bytes;
		if (bytes && (!cold || __atomic_load_n(&files[i]->used, __ATOMIC_RELAXED) <
					       __atomic_load_n(&cold->used, __ATOMIC_RELAXED))) {
			hfile_unref(cold);
			cold = hfile_ref(files[i]);
		}
		hfile_unref(files[i]);
	}
	pthread_mutex_lock(&h->lock);
	h->c.cache_bytes = *sum;
	pthread_mutex_unlock(&h->lock);
	return cold;
}

void history_trim_cache(struct history *h)
{
	size_t sum;

	for (int i = 0; i < 1000; i++) {
		struct hfile *cold = coldest(h, &sum);

		if (cold && sum > HISTORY_CACHE)
			hfile_forget(cold);
		hfile_unref(cold);
		if (!cold || sum <= HISTORY_CACHE)
			return;
	}
}
