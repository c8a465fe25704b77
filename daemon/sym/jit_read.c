// SPDX-License-Identifier: GPL-2.0
/*
 * Reading on what a JIT has written since the last time, into its process's
 * table.
 *
 * A perf map says nothing of time. What is new in it was written between two
 * readings, and if it was written at once, at the file's mtime; that is the
 * time it gets. The first reading gets time 0: all of it stood there before
 * we looked. A map that was written anew (Java does at each request) is known
 * by its size or by the bytes before the place we had come to, and is read
 * from its beginning; what it says again is there already.
 *
 * The thread of jit.c alone; see jit_open.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "sym/jit_int.h"
#include "sym/reader.h"

#define MAX_PAUSE  16	      /* s between two looks for a map that is not there */
#define MAX_OPEN   256	      /* files that are kept open between readings */
#define SUSTAINED  (1U << 20) /* bytes a second, beyond a first file of the largest size */
#define FULL_TABLE 2	      /* a table that is begun anew must not be fuller than a half */
#define NAP_US	   100000     /* until a reader that is started again is asked for, ... */
#define MAX_TRIES  150	      /* ... so often for a process that has ended: it does not come back */

struct round {
	struct jit_proc *p;
	uint64_t time; /* of code that has none of its own */
	bool renewed;  /* costs a walk over all code: once a round */
};

/* The table has no more room: one with what is alive takes its place, if that helps. */
static bool renew(struct round *r, enum jit_add why)
{
	struct jit_proc *p = r->p;
	struct jit_table *old = p->table, *t;

	if (r->renewed || p->hopeless)
		return false;
	r->renewed = true;
	t = jit_table_renew(old);
	if (!t)
		return false;
	if (why == JIT_FULL && t->bytes > p->j->cfg.max_table_bytes / FULL_TABLE) {
		p->hopeless = true;
		jit_table_unref(t);
		return false;
	}
	pthread_mutex_lock(&p->j->lock);
	__atomic_store_n(&p->table, t, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&p->j->lock);
	jit_table_unref(old);
	return true;
}

static bool no_room(enum jit_add a)
{
	return a == JIT_FULL || a == JIT_CROWDED;
}

static void sink_code(void *arg, uint64_t start, uint64_t end, uint64_t time, const char *name,
		      size_t len, struct jit_lines *lines)
{
	struct round *r = arg;
	uint64_t at = time ? time : r->time;
	enum jit_add a = jit_table_add(r->p->table, start, end, at, name, len, lines);

	if (no_room(a) && renew(r, a))
		a = jit_table_add(r->p->table, start, end, at, name, len, NULL);
	if (no_room(a))
		jit_count(&r->p->j->c.full, 1);
}

static void sink_move(void *arg, uint64_t old, uint64_t start, uint64_t size, uint64_t time)
{
	struct round *r = arg;
	enum jit_add a = JIT_ADDED;

	jit_table_move(r->p->table, old, start, size, time, &a);
	if (no_room(a) && renew(r, a))
		jit_table_move(r->p->table, old, start, size, time, &a);
	if (no_room(a))
		jit_count(&r->p->j->c.full, 1);
}

/* Does the file still hold what stood before the cursor? */
static bool goes_on(const struct jit_file *f, const struct stat *st)
{
	struct jit_input in = { .fd = f->fd };
	char tail[JIT_TAIL];

	if ((uint64_t)st->st_size < f->place.at.off)
		return false;
	return !f->tail_len || (jit_input_read(&in, f->place.at.off - f->tail_len, tail,
					       f->tail_len) == (ssize_t)f->tail_len &&
				!memcmp(tail, f->tail, f->tail_len));
}

static void keep_tail(struct jit_file *f)
{
	struct jit_input in = { .fd = f->fd };
	ssize_t n;

	f->tail_len = f->place.at.off < JIT_TAIL ? f->place.at.off : JIT_TAIL;
	n = jit_input_read(&in, f->place.at.off - f->tail_len, f->tail, f->tail_len);
	if (n != (ssize_t)f->tail_len)
		f->tail_len = 0;
}

static uint64_t mtime_mono(const struct stat *st)
{
	int64_t t = st->st_mtim.tv_sec * (int64_t)NSEC_PER_SEC + st->st_mtim.tv_nsec;

	t -= wall_offset();
	return t > 0 ? (uint64_t)t : 0;
}

/* When what is new was written: between the two readings. */
static uint64_t batch_time(const struct jit_proc *p, const struct stat *st, uint64_t now)
{
	uint64_t t = mtime_mono(st);

	if (!p->last_read)
		return 0;
	if (t < p->last_read)
		t = p->last_read;
	return t < now ? t : now;
}

/* Ends the reading of a file for good. */
static void cut(struct jit_proc *p, struct jit_file *f, const struct stat *st, enum jit_refusal why)
{
	jit_refuse(p->j, f, st, why);
	f->cut = true;
	jit_place_done(&f->place);
	jit_close(p->j, f);
}

/* A round: as many batches as have their turn at once. As jit_ask. */
static int read_round(struct jit_proc *p, struct jit_file *f, bool is_map, struct jit_sink *sink)
{
	uint64_t begun = f->place.at.off;
	int r;

	do {
		r = jit_ask(p, f, is_map, sink);
		jit_count(&p->j->c.reads, 1);
	} while (r > 0 && f->place.at.off - begun < JIT_ROUND_BYTES);
	f->read += f->place.at.off - begun;
	return r;
}

/* Is there nothing in the file that was not read? */
static bool at_end(const struct jit_file *f, const struct stat *st)
{
	const struct jit_cursor *c = &f->place.at;

	return c->done || (c->off && (uint64_t)st->st_size == c->off);
}

/* 1: there is more now; 0; -EAGAIN: it could not be read */
static int read_on(struct jit_proc *p, struct jit_file *f, const struct stat *st, uint64_t time,
		   bool is_map)
{
	struct round round = { .p = p, .time = time };
	struct jit_sink sink = { .arg = &round, .code = sink_code, .move = sink_move };
	int r;

	if (at_end(f, st))
		return 0;
	r = read_round(p, f, is_map, &sink);
	jit_count(is_map ? &p->j->c.lines : &p->j->c.records, sink.taken);
	jit_count(&p->j->c.bad_lines, sink.bad);
	if (r == -EINVAL)
		cut(p, f, st, JIT_BAD_FORMAT);
	else if (r == READER_REFUSED || r == -EPROTO)
		cut(p, f, st, JIT_UNREADABLE);
	else if (f->place.at.off > p->j->cfg.max_file)
		cut(p, f, st, JIT_TOO_LONG);
	else if (is_map)
		keep_tail(f);
	jit_shrink(p->j);
	if (f->cut)
		return 0;
	return r > 0 || r == -EAGAIN ? r : 0;
}

/* Opens the map if it is time to look for it; false: there is none to read. */
static bool have_map(struct jit_proc *p, struct stat *st, uint64_t now)
{
	/* replaced by another file of its name */
	if (p->map.fd >= 0 && !fstat(p->map.fd, st) && !st->st_nlink)
		jit_close(p->j, &p->map);
	if (p->map.fd < 0) {
		if (now < p->next_open && !__atomic_load_n(&p->gone, __ATOMIC_RELAXED))
			return false;
		if (jit_open_map(p)) {
			p->open_pause = p->open_pause < MAX_PAUSE ? p->open_pause * 2 + 1
								  : MAX_PAUSE;
			p->next_open = now + p->open_pause * NSEC_PER_SEC;
			return false;
		}
		p->open_pause = 0;
	}
	return !fstat(p->map.fd, st);
}

static int read_map(struct jit_proc *p, uint64_t now)
{
	struct jit_file *f = &p->map;
	struct stat st;
	int r;

	if (f->cut || !have_map(p, &st, now))
		return 0;
	if (!goes_on(f, &st)) {
		f->place.at = (struct jit_cursor){ 0 };
		f->tail_len = 0;
	}
	r = read_on(p, f, &st, batch_time(p, &st, now), true);
	if (!r && __atomic_load_n(&p->j->open_files, __ATOMIC_RELAXED) > MAX_OPEN)
		jit_close(p->j, f);
	return r;
}

/* A newly mapped dump begins anew; w gets a copy whose path is the caller's to free. */
static bool take_dump(struct jit_proc *p, struct file_where *w)
{
	bool new;

	pthread_mutex_lock(&p->j->lock);
	new = p->dump_is_new;
	if (new) {
		p->dump_is_new = false;
		*w = p->dump;
		w->path = strdup(w->path);
	}
	pthread_mutex_unlock(&p->j->lock);
	return new;
}

static int read_dump(struct jit_proc *p)
{
	struct jit_file *f = &p->dumped;
	struct file_where w;
	struct stat st;

	if (take_dump(p, &w)) {
		jit_close(p->j, f);
		jit_place_done(&f->place);
		*f = (struct jit_file){ .fd = -1 };
		if (!w.path || jit_open_dump(p, &w))
			f->cut = true;
		free((char *)w.path);
	}
	if (f->fd < 0 || f->cut || fstat(f->fd, &st))
		return 0;
	return read_on(p, f, &st, p->last_read, false);
}

/* Nobody read: a process that lives asks again. */
static int try_again(struct jit_proc *p)
{
	if (!__atomic_load_n(&p->gone, __ATOMIC_RELAXED) || p->tries++ >= MAX_TRIES)
		return 0;
	usleep(NAP_US);
	return 1;
}

int jit_proc_read(struct jit_proc *p)
{
	uint64_t now = mono_now();
	int dump, map;

	if (!p->began)
		p->began = now;
	/* who writes without end, or the same anew and anew, is followed at this speed */
	if (p->map.read + p->dumped.read >
	    p->j->cfg.max_file + (now - p->began) / NSEC_PER_SEC * SUSTAINED)
		return 0;
	dump = read_dump(p);
	/* who writes both says the same twice */
	map = p->dumped.fd < 0 ? read_map(p, now) : 0;
	if (dump < 0 || map < 0)
		return try_again(p);
	if (dump || map)
		return 1;
	p->last_read = now;
	return 0;
}
