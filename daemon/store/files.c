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

/* a log of each file written on, when it is folded in: those bytes are there twice then */
#define FOLDED_IN     (1U << 20)
#define NEW_FILE_NEED (128U << 10)

/* what the finer tiers cannot take, in percent of the budget */
static const unsigned int shares[HISTORY_KINDS] = { 25, 30, 20, 20, 0 };
#define RAW_PART  32U	       /* of the budget at most, for raw files */
#define RAW_FILES 8U	       /* parts in which they go */
#define RAW_LEAST (256U << 10) /* not worth it below */

uint64_t history_share(const struct history *h, uint32_t tier)
{
	return h->cfg.max_bytes / 100 * shares[tier - TIER_10S];
}

uint64_t history_raw_share(const struct history *h)
{
	uint64_t most = h->cfg.max_bytes / RAW_PART;

	most = h->cfg.raw_bytes < most ? h->cfg.raw_bytes : most;
	return most < RAW_LEAST ? 0 : most;
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

static char *path_of(const struct history *h, uint32_t tier, uint64_t day, uint32_t n)
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
	for (unsigned int t = 0; t < HISTORY_KINDS; t++) {
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

/* The file is good as far as is known: a disk that is full, or fails, has the log not folded in. */
static void leave(struct history *h, const char *path, int err)
{
	uint64_t n = hfile_size(path);

	history_say(h, "history: %s: %s; what is in it is left out until the next start", path,
		    strerror(-err));
	pthread_mutex_lock(&h->lock);
	h->left += n;
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
	if (r && r != -EBADMSG) {
		leave(h, path, r);
		return 0;
	}
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
	history_refuse(h, path, why);
	return 0;
}

/* pin-7.tmp, 10s-20261123-0.rph.new, and what SQLite made beside them: of no file that is one */
static bool is_unfinished(const char *name)
{
	return strstr(name, ".tmp") || strstr(name, ".rph.new");
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

		/* what a copy that was cut short left behind */
		if (is_unfinished(e->d_name))
			unlinkat(dirfd(dir), e->d_name, 0);
		if (!parse_name(e->d_name, &named))
			continue;
		r = scan_file(h, e->d_name, &named);
		if (named.is_pin && named.number >= h->next_pin)
			h->next_pin = named.number + 1U;
	}
	closedir(dir);
	history_count_aside(h);
	return r;
}

/* ---- files to write on ---- */

bool history_is_full(struct history *h, uint32_t tier, uint64_t bytes)
{
	uint64_t most;

	pthread_mutex_lock(&h->lock);
	if (tier == TIER_RAW) {
		most = history_raw_share(h) / RAW_FILES;
	} else {
		most = history_share(h, tier) / 4;
		most = most > HISTORY_LEAST ? most : HISTORY_LEAST;
	}
	pthread_mutex_unlock(&h->lock);
	return bytes > most;
}

static bool is_of(const struct hfile *f, uint32_t tier, uint64_t day)
{
	return !f->is_pin && f->tier == tier && f->day == day;
}

struct hfile *history_last_file(struct history *h, uint32_t tier, uint64_t day)
{
	struct hfile *last = NULL;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->n_files; i++)
		if (is_of(h->files[i], tier, day))
			last = h->files[i];
	if (last && (last->origin != h->origin || last->bad || last->cut))
		last = NULL;
	if (last) {
		last->busy = true;
		hfile_ref(last);
	}
	pthread_mutex_unlock(&h->lock);
	return last;
}

static uint32_t next_number(struct history *h, uint32_t tier, uint64_t day)
{
	uint32_t next = 0;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->n_files; i++)
		if (is_of(h->files[i], tier, day))
			next = h->files[i]->number + 1;
	pthread_mutex_unlock(&h->lock);
	return next;
}

static int new_file(struct history *h, uint32_t tier, uint64_t day, struct dict *d, unsigned int i,
		    struct hfile **ret)
{
	cleanup_free char *path = NULL;
	uint32_t number = next_number(h, tier, day);
	struct hfile *f;
	int r = -EEXIST;

	for (uint32_t n = number; r == -EEXIST && n < number + 1000; n++) {
		free(path);
		path = path_of(h, tier, day, n);
		if (!path)
			return -ENOMEM;
		r = hfile_create(&f, path, h->origin, h->host, NULL, d, i);
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

int history_new_file(struct history *h, uint32_t tier, uint64_t day, struct dict *d, unsigned int i,
		     struct hfile **ret)
{
	int r = -ENOSPC;

	/* four empty tables and their log */
	if (!history_room(h, NEW_FILE_NEED, false))
		return -ENOSPC;
	for (int tries = 0; tries < 8; tries++) {
		r = new_file(h, tier, day, d, i, ret);
		if (r != -ENOSPC)
			break;
		(void)history_room(h, NEW_FILE_NEED, true);
	}
	return r;
}

/* ---- files that go ---- */

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
		uint64_t age;

		if (f->is_pin || f->busy)
			continue;
		age = h->cfg.max_age[f->tier == TIER_RAW ? 0 : f->tier - TIER_10S];
		if (now < age)
			continue;
		if (!f->n_rows || f->rows[f->n_rows - 1].to < now - age)
			return history_take_out(h, i);
	}
	return NULL;
}

static uint64_t tier_bytes(const struct history *h, uint32_t tier)
{
	uint64_t n = 0;

	for (size_t i = 0; i < h->n_files; i++)
		if (!h->files[i]->is_pin && h->files[i]->tier == tier)
			n += h->files[i]->bytes;
	return n;
}

/* Files are in order of time within a tier. NULL: all there is, is written on or pinned. */
static struct hfile *oldest_of(struct history *h, uint32_t tier)
{
	for (size_t i = 0; i < h->n_files; i++)
		if (!h->files[i]->is_pin && h->files[i]->tier == tier && !h->files[i]->busy)
			return history_take_out(h, i);
	return NULL;
}

/* single samples are the finest */
static struct hfile *oldest(struct history *h, bool above_share)
{
	static const uint32_t order[HISTORY_KINDS] = { TIER_RAW, TIER_10S, TIER_1M, TIER_10M,
						       TIER_1H };

	for (unsigned int i = 0; i < HISTORY_KINDS; i++) {
		struct hfile *f;

		if (above_share && tier_bytes(h, order[i]) <= history_share(h, order[i]))
			continue;
		f = oldest_of(h, order[i]);
		if (f)
			return f;
	}
	return NULL;
}

/* The file that is written on has room left: what it may grow by goes before. */
static struct hfile *raw_too_much(struct history *h)
{
	uint64_t most = history_raw_share(h);

	return tier_bytes(h, TIER_RAW) > most - most / RAW_FILES ? oldest_of(h, TIER_RAW) : NULL;
}

static uint64_t all_bytes(const struct history *h)
{
	uint64_t n = h->reserved + h->left + h->aside;

	for (size_t i = 0; i < h->n_files; i++)
		n += h->files[i]->bytes;
	return n;
}

static bool aside_is_in_the_way(struct history *h, uint64_t need, bool full)
{
	bool r;

	pthread_mutex_lock(&h->lock);
	r = h->aside && (full || all_bytes(h) + need + FOLDED_IN > h->cfg.max_bytes);
	pthread_mutex_unlock(&h->lock);
	return r;
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
	f = raw_too_much(h);
	if (f) {
		h->c.dropped_raw++;
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

		if (aside_is_in_the_way(h, need, full)) {
			history_drop_aside(h);
			full = false;
		}
		pthread_mutex_lock(&h->lock);
		f = next_to_go(h, now, need, &full, &bad);
		room = all_bytes(h) + need <= h->cfg.max_bytes;
		pthread_mutex_unlock(&h->lock);
		if (!f)
			return room;
		if (bad)
			history_refuse(h, f->path, bad);
		else
			hfile_unlink(f);
		hfile_unref(f);
	}
}
