// SPDX-License-Identifier: GPL-2.0
/*
 * The daemon's side of reading perf maps and jitdumps: what is asked of the
 * reader, and how its answers are taken apart. They are as hostile as the
 * files: what they tell is bounded by their length, and all of an answer is
 * checked before any of it is told.
 *
 * jit_take_answer: any thread; jit_ask: the thread of jit.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sym/jit_int.h"
#include "sym/reader.h"

#define MAX_STEP \
	(64ULL << 20) /* the longest record of a jitdump: how far a batch may lead past its end */

void jit_place_done(struct jit_place *p)
{
	free(p->lines);
	p->lines = NULL;
}

/* ---- answers ---- */

static bool flags_ok(const struct jit_cursor *c)
{
	return c->skip <= 1 && c->begun <= 1 && c->done <= 1;
}

/* Went the cursor on as one can, and as far as what was taken needs at least? */
static bool head_ok(const struct jit_answer *a, size_t len, const struct jit_cursor *from)
{
	uint64_t way = a->at.off - from->off;

	if (a->status > 1 || a->status < -4095 || !flags_ok(&a->at))
		return false;
	if (a->at.off < from->off || way > JIT_BATCH_BYTES + MAX_STEP)
		return false;
	/* more there is only behind a full batch, or the questions would not end */
	if (a->status > 0 && way < JIT_BATCH_BYTES && len < JIT_BATCH_ANSWER)
		return false;
	return a->taken <= way && a->bad <= way - a->taken;
}

static bool code_ok(const struct jit_record *r)
{
	return r->size && r->size <= JIT_MAX_CODE && r->start <= UINT64_MAX - r->size;
}

static bool lines_ok(const struct jit_record *r, const char *at)
{
	const char *texts = at + r->size * sizeof(struct jit_line);
	struct jit_line l, before = { 0 };

	if (r->size && (!r->len || texts[r->len - 1]))
		return false;
	for (uint64_t i = 0; i < r->size; i++, before = l) {
		memcpy(&l, at + i * sizeof(l), sizeof(l));
		if (l.addr < before.addr || l.file >= r->len)
			return false;
	}
	return true;
}

/* What a record has behind it; SIZE_MAX: more than any has. */
static size_t body_of(const struct jit_record *r)
{
	if (r->kind == JIT_CODE && r->len < JIT_NAME_MAX)
		return r->len;
	if (r->kind == JIT_MOVE && !r->len)
		return 0;
	if (r->kind == JIT_LINES && r->size <= JIT_MAX_LINES && r->len <= JIT_MAX_DEBUG)
		return r->size * sizeof(struct jit_line) + r->len;
	return SIZE_MAX;
}

/* The record at *at, whose body *ret_body is; *at goes behind it. False: there is none. */
static bool next_record(const char **at, const char *end, struct jit_record *ret,
			const char **ret_body)
{
	size_t body;

	if ((size_t)(end - *at) < sizeof(*ret))
		return false;
	memcpy(ret, *at, sizeof(*ret));
	*ret_body = *at + sizeof(*ret);
	body = body_of(ret);
	if (body > (size_t)(end - *ret_body))
		return false;
	*at = *ret_body + body;
	return true;
}

/* No record is of less than a line of the file, nor longer: so its limits are theirs, too. */
static bool records_ok(const char *at, const char *end, const struct jit_answer *a, uint64_t way)
{
	uint64_t n = 0, bodies = 0;
	struct jit_record r;
	const char *body;

	for (; at < end; n++) {
		if (!next_record(&at, end, &r, &body) ||
		    !(r.kind == JIT_LINES ? lines_ok(&r, body) : code_ok(&r)))
			return false;
		bodies += (uint64_t)(at - body);
	}
	return n <= a->taken + a->bad && bodies <= way;
}

/* What was there before is dropped in any case. Without memory code has no lines. */
static void take_lines(struct jit_place *p, const struct jit_record *r, const char *body)
{
	size_t lines = r->size * sizeof(struct jit_line),
	       bytes = sizeof(*p->lines) + lines + r->len;
	struct jit_lines *l = r->size ? malloc(bytes) : NULL;

	jit_place_done(p);
	if (!l)
		return;
	l->n = (uint32_t)r->size;
	l->bytes = bytes;
	l->texts = (char *)l->at + lines;
	memcpy(l->at, body, lines + r->len);
	p->lines = l;
	p->lines_addr = r->start;
}

static void tell_code(struct jit_place *p, const struct jit_record *r, const char *name,
		      struct jit_sink *sink)
{
	struct jit_lines *lines = NULL;

	if (p->lines && p->lines_addr == r->start)
		lines = steal_ptr(p->lines);
	jit_place_done(p);
	sink->code(sink->arg, r->start, r->start + r->size, r->time, name, r->len, lines);
}

static void tell(struct jit_place *p, const char *at, const char *end, struct jit_sink *sink)
{
	struct jit_record r;
	const char *body;

	while (at < end && next_record(&at, end, &r, &body))
		if (r.kind == JIT_CODE)
			tell_code(p, &r, body, sink);
		else if (r.kind == JIT_MOVE)
			sink->move(sink->arg, r.old, r.start, r.size, r.time);
		else
			take_lines(p, &r, body);
}

int jit_take_answer(const void *data, size_t len, struct jit_place *p, struct jit_sink *sink)
{
	const char *at = data, *end = at + len;
	struct jit_answer a;

	if (len < sizeof(a))
		return -EPROTO;
	memcpy(&a, at, sizeof(a));
	at += sizeof(a);
	if (!head_ok(&a, len, &p->at) || !records_ok(at, end, &a, a.at.off - p->at.off))
		return -EPROTO;
	tell(p, at, end, sink);
	p->at = a.at;
	sink->taken += a.taken;
	sink->bad += a.bad;
	return a.status < 0 && a.status != -EINVAL ? -EIO : a.status;
}

/* ---- questions ---- */

static int read_here(const struct jit_file *f, const struct jit_question *x,
		     struct reader_answer *ret)
{
	const struct jit_input in = { .fd = f->fd };
	struct buf b = { 0 };

	jit_read_batch(&in, x, &b);
	if (b.err)
		buf_free(&b);
	*ret = (struct reader_answer){ .data = b.data, .len = b.len };
	return b.err;
}

static int read_there(struct jit_proc *p, const struct jit_file *f, const struct jit_question *x,
		      struct reader_answer *ret)
{
	struct file blamed = { .path = f->path ? f->path : "" };
	const struct reader_question q = { .op = READER_JIT,
					   .file = &blamed,
					   .args = x,
					   .len = sizeof(*x),
					   .fds = { f->fd },
					   .n_fds = 1,
					   .max_answer = JIT_MAX_ANSWER };
	int err;

	memcpy(blamed.key, f->key, sizeof(blamed.key));
	if (!jit_begin_asking(p))
		return -EAGAIN;
	err = reader_ask(p->j->cfg.reader, &q, ret);
	jit_end_asking(p);
	return err;
}

int jit_ask(struct jit_proc *p, struct jit_file *f, bool is_map, struct jit_sink *sink)
{
	const struct jit_question x = { .at = f->place.at, .is_map = is_map };
	struct reader_answer a;
	int err = p->j->cfg.reader ? read_there(p, f, &x, &a) : read_here(f, &x, &a);

	if (err < 0)
		return err;
	err = jit_take_answer(a.data, a.len, &f->place, sink);
	free(a.data);
	return err;
}
