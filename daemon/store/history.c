// SPDX-License-Identifier: GPL-2.0
/* Opening, closing and telling of the history; who writes it is in writer.c. */
#include "store/history.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/cond.h"
#include "base/clock.h"

#define STOP_NAMING_NS (2 * NSEC_PER_SEC)
#define LEFT_SEQS      (1U << 20) /* tens: 120 days */

const uint64_t history_steps[HISTORY_KINDS] = { 10 * NSEC_PER_SEC, 60 * NSEC_PER_SEC,
						600 * NSEC_PER_SEC, 3600 * NSEC_PER_SEC,
						10 * NSEC_PER_SEC };
const char *const history_names[HISTORY_KINDS] = { "10s", "1m", "10m", "1h", "raw" };

uint64_t history_now(const struct history *h)
{
	return h->cfg.now ? h->cfg.now() : wall_now();
}

void history_say(struct history *h, const char *fmt, ...)
{
	unsigned int i;
	va_list ap;

	pthread_mutex_lock(&h->lock);
	/* nobody takes them: the newest tells what is wrong now */
	i = h->n_messages < HISTORY_MESSAGES ? h->n_messages++ : HISTORY_MESSAGES - 1;
	va_start(ap, fmt);
	vsnprintf(h->messages[i], sizeof(h->messages[i]), fmt, ap);
	va_end(ap);
	pthread_mutex_unlock(&h->lock);
}

/* ---- what came of it ---- */

int history_row_room(struct history *h, struct hfile *f)
{
	struct hrow *rows;

	pthread_mutex_lock(&h->lock);
	rows = array_room(f->rows, &f->cap_rows, f->n_rows + 1, sizeof(*rows));
	if (rows)
		f->rows = rows;
	pthread_mutex_unlock(&h->lock);
	return rows ? 0 : -ENOMEM;
}

void history_lost(struct history *h, uint32_t tier, int err)
{
	pthread_mutex_lock(&h->lock);
	h->c.windows_lost++;
	snprintf(h->trouble, sizeof(h->trouble), "history: a window of tier %s was not written: %s",
		 history_names[tier - TIER_10S], strerror(-err));
	pthread_mutex_unlock(&h->lock);
}

void history_sized(struct history *h, struct hfile *f)
{
	uint64_t n = hfile_size(f->path);

	pthread_mutex_lock(&h->lock);
	f->bytes = n;
	pthread_mutex_unlock(&h->lock);
}

void history_committed(struct history *h, struct hfile *f, const struct hrow *row, int err)
{
	history_sized(h, f);
	if (err) {
		history_lost(h, f->tier, err);
		return;
	}
	pthread_mutex_lock(&h->lock);
	f->rows[f->n_rows++] = *row;
	h->c.commits++;
	h->trouble[0] = '\0';
	pthread_mutex_unlock(&h->lock);
}

bool history_is_bad(struct history *h, const struct hfile *f)
{
	bool bad;

	pthread_mutex_lock(&h->lock);
	bad = f->bad != NULL;
	pthread_mutex_unlock(&h->lock);
	return bad;
}

void history_found_bad(struct history *h, struct hfile *f, const char *why)
{
	pthread_mutex_lock(&h->lock);
	if (!f->bad)
		f->bad = why;
	pthread_mutex_unlock(&h->lock);
}

void history_found_unreadable(struct history *h, struct hfile *f)
{
	bool said;

	pthread_mutex_lock(&h->lock);
	said = f->unreadable;
	f->unreadable = true;
	pthread_mutex_unlock(&h->lock);
	if (!said)
		history_say(h, "history: %s cannot be read: answers do without it", f->path);
}

void history_count_others(struct history *h, uint64_t n)
{
	if (!n)
		return;
	pthread_mutex_lock(&h->lock);
	h->c.series_other += n;
	pthread_mutex_unlock(&h->lock);
}

void history_count_names(struct history *h, uint64_t named, uint64_t unknown)
{
	pthread_mutex_lock(&h->lock);
	h->c.names += named;
	h->c.names_unknown += unknown;
	pthread_mutex_unlock(&h->lock);
}

/* ---- opening and closing ---- */

static uint64_t random_number(void)
{
	uint64_t v = 0;

	while (!v)
		if (getrandom(&v, sizeof(v), 0) != sizeof(v))
			v = wall_now();
	return v >> 1; /* SQLite's numbers have a sign */
}

static uint64_t boot_number(void)
{
	struct buf b = { 0 };
	uint64_t v = 0;

	if (!buf_read_file(&b, "/proc/sys/kernel/random/boot_id", 256))
		v = XXH64(b.data, b.len, 0) >> 1;
	buf_free(&b);
	return v ? v : random_number();
}

/* Whose windows are those here: told apart from those of files that were brought in. */
static int read_origin(struct history *h)
{
	cleanup_free char *path = NULL;
	cleanup_fclose FILE *f = NULL;

	if (asprintf(&path, "%s/id", h->dir) < 0)
		return -ENOMEM;
	f = fopen(path, "re");
	if (f && fscanf(f, "%" SCNx64, &h->origin) == 1 && h->origin && h->origin <= INT64_MAX)
		return 0;
	if (f)
		fclose(f);
	h->origin = random_number();
	f = fopen(path, "we");
	if (!f)
		return -errno;
	return fprintf(f, "%" PRIx64 "\n", h->origin) < 0 || fflush(f) ? -EIO : 0;
}

static int make_dirs(const char *dir)
{
	cleanup_free char *path = strdup(dir);

	if (!path)
		return -ENOMEM;
	for (char *p = path + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(path, 0750) && errno != EEXIST ? -errno : 0;
}

/* Two writers would tear each other's tiers apart. */
static int lock_dir(struct history *h)
{
	cleanup_free char *path = NULL;

	if (asprintf(&path, "%s/lock", h->dir) < 0)
		return -ENOMEM;
	h->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (h->lock_fd < 0)
		return -errno;
	return flock(h->lock_fd, LOCK_EX | LOCK_NB) ? -EBUSY : 0;
}

/* Events are worth less than the history: without a file they are in memory. */
static void keep_events(struct history *h)
{
	cleanup_free char *path = NULL;
	int r;

	if (asprintf(&path, "%s/events.db", h->dir) < 0)
		return;
	r = events_keep(h->store->events, path);
	if (r == -EBADMSG) {
		history_refuse(h, path, "damaged, or no file of ringprof");
		r = events_keep(h->store->events, path);
	}
	if (r)
		history_say(h, "history: %s: %s: events are kept in memory alone", path,
			    strerror(-r));
}

static int prepare(struct history *h)
{
	int r = make_dirs(h->dir);

	if (!r)
		r = lock_dir(h);
	if (!r)
		r = read_origin(h);
	if (!r)
		r = history_scan(h);
	roll_init(&h->roll, h, TIER_10S, HISTORY_TIERS, &h->packer);
	roll_init(&h->raw, h, TIER_RAW, 1, &h->packer);
	h->raw.raw = true;
	if (!r)
		keep_events(h);
	return r;
}

static struct history *history_new(struct store *s, const struct history_config *cfg)
{
	struct history *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->store = s;
	h->cfg = *cfg;
	h->dir = strdup(cfg->dir);
	h->host = strdup(cfg->host ? cfg->host : "");
	h->lock_fd = -1;
	h->boot = boot_number();
	h->run = random_number();
	h->next_pin = 1;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->wake, NULL);
	cond_init(&h->idle);
	h->deploys = deploys_new();
	if (h->dir && h->host && h->deploys)
		return h;
	history_close(h);
	return NULL;
}

/*
 * The next ten's number is above all that are on disk. What could not be opened
 * has none above those of some days more: a file is a day's at most.
 */
static uint64_t last_seq(struct history *h)
{
	uint64_t last = 0;

	/* a pin may have what a crash took from the tiers */
	for (size_t i = 0; i < h->n_files; i++) {
		const struct hfile *f = h->files[i];

		for (size_t k = 0; f->origin == h->origin && k < f->n_rows; k++)
			if (f->rows[k].last_seq > last)
				last = f->rows[k].last_seq;
	}
	return h->left ? last + LEFT_SEQS : last;
}

int store_open_history(struct store *s, const struct history_config *cfg, char *err, size_t errlen)
{
	struct history *h = history_new(s, cfg);
	int r;

	if (!h) {
		snprintf(err, errlen, "history: out of memory");
		return -ENOMEM;
	}
	r = prepare(h);
	if (!r) {
		uint64_t seq = last_seq(h);

		s->seq = seq > s->seq ? seq : s->seq;
		h->busy = true;
		r = -pthread_create(&h->thread, NULL, history_writer, h);
		h->started = !r;
	}
	if (r) {
		snprintf(err, errlen, "history: %s: %s", cfg->dir,
			 r == -EBUSY ? "another daemon writes there" : strerror(-r));
		history_close(h);
		return r;
	}
	pthread_mutex_lock(&s->lock);
	s->history = h;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

bool history_hurries(struct history *h)
{
	bool r;

	pthread_mutex_lock(&h->lock);
	r = h->stop && mono_now() - h->stopped > STOP_NAMING_NS;
	pthread_mutex_unlock(&h->lock);
	return r;
}

void history_close(struct history *h)
{
	if (!h)
		return;
	if (h->started) {
		pthread_mutex_lock(&h->lock);
		h->stop = true;
		h->stopped = mono_now();
		pthread_cond_signal(&h->wake);
		pthread_mutex_unlock(&h->lock);
		pthread_join(h->thread, NULL);
	}
	roll_free(&h->roll);
	roll_free(&h->raw);
	ZSTD_freeCCtx(h->packer);
	for (size_t i = 0; i < h->n_files; i++)
		hfile_unref(h->files[i]);
	free(h->files);
	deploys_free(h->deploys);
	if (h->lock_fd >= 0)
		close(h->lock_fd);
	pthread_cond_destroy(&h->wake);
	pthread_cond_destroy(&h->idle);
	pthread_mutex_destroy(&h->lock);
	free(h->dir);
	free(h->host);
	free(h);
}

void store_limit_history(struct store *s, const struct history_config *cfg)
{
	struct history *h = s->history;

	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->cfg.max_bytes = cfg->max_bytes;
	h->cfg.raw_bytes = cfg->raw_bytes;
	h->cfg.memory = cfg->memory;
	memcpy(h->cfg.max_age, cfg->max_age, sizeof(h->cfg.max_age));
	pthread_mutex_unlock(&h->lock);
}

/* ---- telling ---- */

static void count_raw(const struct history *h, struct history_counters *ret)
{
	ret->raw_max_bytes = history_raw_share(h);
	for (size_t i = 0; i < h->n_files; i++) {
		const struct hfile *f = h->files[i];

		if (f->is_pin || f->tier != TIER_RAW)
			continue;
		ret->raw_bytes += f->bytes;
		for (size_t k = 0; k < f->n_rows; k++) {
			if (!ret->raw_oldest || f->rows[k].from < ret->raw_oldest)
				ret->raw_oldest = f->rows[k].from;
			if (f->rows[k].to > ret->raw_newest)
				ret->raw_newest = f->rows[k].to;
		}
	}
}

bool history_counters(struct store *s, struct history_counters *ret)
{
	struct history *h = s->history;

	memset(ret, 0, sizeof(*ret));
	if (!h)
		return false;
	pthread_mutex_lock(&h->lock);
	*ret = h->c;
	ret->max_bytes = h->cfg.max_bytes;
	ret->files = h->n_files;
	ret->queued = h->queued;
	ret->bytes = h->left + h->aside;
	for (size_t i = 0; i < h->n_files; i++) {
		ret->bytes += h->files[i]->bytes;
		ret->pins += h->files[i]->is_pin;
		ret->pin_bytes += h->files[i]->is_pin ? h->files[i]->bytes : 0;
	}
	count_raw(h, ret);
	pthread_mutex_unlock(&h->lock);
	return true;
}

void history_trouble(struct store *s, char *ret, size_t len)
{
	struct history *h = s->history;

	*ret = '\0';
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	snprintf(ret, len, "%s", h->trouble);
	pthread_mutex_unlock(&h->lock);
}

bool history_message(struct store *s, char *ret, size_t len)
{
	struct history *h = s->history;
	bool there;

	if (!h)
		return false;
	pthread_mutex_lock(&h->lock);
	there = h->n_messages > 0;
	if (there) {
		snprintf(ret, len, "%s", h->messages[0]);
		memmove(h->messages[0], h->messages[1], (--h->n_messages) * sizeof(h->messages[0]));
	}
	pthread_mutex_unlock(&h->lock);
	return there;
}
