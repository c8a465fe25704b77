// SPDX-License-Identifier: GPL-2.0
/*
 * jitdump, as tools/perf/Documentation/jitdump-specification.txt of the kernel
 * describes it: a header, then records of a prefix { id, total size, time }
 * and a body. Only what was written on this machine is read: its byte order,
 * version 1, times of CLOCK_MONOTONIC (a flag says when they are the CPU's
 * time stamp counter; they would put code in wrong places in time).
 *
 * A record is taken when all of it is in the file. The bytes of the code,
 * most of the file, are skipped.
 *
 * No state but the cursor. Any thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sym/jit.h"
#include "sym/jit_msg.h"

#define MAGIC	   0x4a695444U /* "JiTD" */
#define VERSION	   1
#define ARCH_STAMP 1ULL
#define HEADER_MAX 4096
#define RECORD_MAX (64U << 20) /* with the bytes of the code */
#define SAME_FILE  "\xff"

enum { LOAD, MOVE, DEBUG_INFO, CLOSE, UNWINDING_INFO };

struct header {
	uint32_t magic, version, total_size, elf_mach, pad1, pid;
	uint64_t timestamp, flags;
};

struct prefix {
	uint32_t id, total_size;
	uint64_t timestamp;
};

struct load {
	uint32_t pid, tid;
	uint64_t vma, code_addr, code_size, code_index;
};

struct move {
	uint32_t pid, tid;
	uint64_t vma, old_code_addr, new_code_addr, code_size, code_index;
};

struct debug_info {
	uint64_t code_addr, nr_entry;
};

struct debug_entry {
	uint64_t addr;
	uint32_t lineno, discrim;
};

_Static_assert(sizeof(struct header) == 40 && sizeof(struct prefix) == 16, "file layout");
_Static_assert(sizeof(struct load) == 40 && sizeof(struct move) == 48, "file layout");
_Static_assert(sizeof(struct debug_entry) == 16, "file layout");

/* All of len bytes: 1; they are not there yet: 0; -errno. */
static int read_all(const struct jit_input *in, uint64_t off, void *dst, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = jit_input_read(in, off + have, (char *)dst + have, len - have);

		if (n <= 0)
			return (int)n;
		have += (size_t)n;
	}
	return 1;
}

static int read_header(const struct jit_input *in, struct jit_cursor *c)
{
	struct header h;
	int r = read_all(in, 0, &h, sizeof(h));

	if (r <= 0)
		return r;
	if (h.magic != MAGIC || h.version != VERSION || h.total_size < sizeof(h) ||
	    h.total_size > HEADER_MAX || (h.flags & ARCH_STAMP))
		return -EINVAL;
	c->off = h.total_size;
	c->begun = 1;
	return 1;
}

static bool sound(uint64_t addr, uint64_t size)
{
	return size && size <= JIT_MAX_CODE && addr <= UINT64_MAX - size;
}

static bool on_load(const char *body, size_t len, uint64_t time, struct jit_out *o)
{
	const char *name = body + sizeof(struct load), *nul;
	struct load l;

	if (len < sizeof(l))
		return false;
	memcpy(&l, body, sizeof(l));
	nul = memchr(name, '\0', len - sizeof(l));
	/* body was cut: so is a name that has no end in it */
	if (!nul && len < sizeof(l) + JIT_NAME_MAX)
		return false;
	if (!sound(l.code_addr, l.code_size))
		return false;
	jit_put_code(o, l.code_addr, l.code_size, time, name,
		     nul ? (size_t)(nul - name) : len - sizeof(l));
	return true;
}

static bool on_move(const char *body, size_t len, uint64_t time, struct jit_out *o)
{
	struct move m;

	if (len < sizeof(m))
		return false;
	memcpy(&m, body, sizeof(m));
	if (!sound(m.new_code_addr, m.code_size))
		return false;
	jit_put_move(o, m.old_code_addr, m.new_code_addr, m.code_size, time);
	return true;
}

static int by_addr(const void *pa, const void *pb)
{
	const struct jit_line *a = pa, *b = pb;

	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

/*
 * Entries are { addr, line, discriminator, file name }; the name SAME_FILE
 * repeats the one before.
 */
static bool parse_lines(const char *p, size_t len, struct jit_line *at, uint32_t n,
			struct buf *texts)
{
	const char *end = p + len;
	uint32_t file = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct debug_entry e;
		const char *nul;

		if ((size_t)(end - p) <= sizeof(e))
			return false;
		memcpy(&e, p, sizeof(e));
		p += sizeof(e);
		nul = memchr(p, '\0', (size_t)(end - p));
		if (!nul)
			return false;
		if (strcmp(p, SAME_FILE)) {
			file = (uint32_t)texts->len;
			buf_append(texts, p, (size_t)(nul - p) + 1);
		} else if (!i) {
			return false;
		}
		at[i] = (struct jit_line){ .addr = e.addr, .line = e.lineno, .file = file };
		p = nul + 1;
	}
	qsort(at, n, sizeof(*at), by_addr);
	return !texts->err;
}

static bool on_debug_info(const char *body, size_t len, struct jit_out *o)
{
	cleanup_free struct jit_line *at = NULL;
	struct buf texts = { 0 };
	struct debug_info d;
	bool good;

	if (len < sizeof(d))
		return false;
	memcpy(&d, body, sizeof(d));
	len -= sizeof(d);
	if (!d.nr_entry || d.nr_entry > JIT_MAX_LINES ||
	    d.nr_entry > len / (sizeof(struct debug_entry) + 1))
		return false;
	at = calloc(d.nr_entry, sizeof(*at));
	good = at && parse_lines(body + sizeof(d), len, at, (uint32_t)d.nr_entry, &texts);
	if (good)
		jit_put_lines(o, d.code_addr, at, (uint32_t)d.nr_entry, &texts);
	buf_free(&texts);
	return good;
}

/* How much of a record's body is worth reading. */
static size_t body_len(const struct prefix *p)
{
	size_t len = p->total_size - sizeof(*p), max = 0;

	if (p->id == LOAD)
		max = sizeof(struct load) + JIT_NAME_MAX;
	else if (p->id == MOVE)
		max = sizeof(struct move);
	else if (p->id == DEBUG_INFO)
		return len <= JIT_MAX_DEBUG ? len : 0;
	return len < max ? len : max;
}

static bool take(const struct prefix *p, const char *body, size_t len, struct jit_cursor *c,
		 struct jit_out *o)
{
	switch (p->id) {
	case LOAD:
		return on_load(body, len, p->timestamp, o);
	case MOVE:
		return on_move(body, len, p->timestamp, o);
	case DEBUG_INFO:
		if (on_debug_info(body, len, o))
			return true;
		/* what was told before is not of the code that follows now */
		jit_put_lines(o, 0, NULL, 0, NULL);
		return false;
	case CLOSE:
		c->done = 1;
		return true;
	default: /* unwinding info, and what later versions add */
		return true;
	}
}

/* 1: took one; 0: it is not whole yet; -errno */
static int take_record(const struct jit_input *in, struct jit_cursor *c, struct jit_out *o)
{
	cleanup_free char *body = NULL;
	struct prefix p;
	size_t len;
	char last;
	int r = read_all(in, c->off, &p, sizeof(p));

	if (r <= 0)
		return r;
	if (p.total_size < sizeof(p) || p.total_size > RECORD_MAX)
		return -EINVAL; /* where the next one begins is not known any more */
	r = read_all(in, c->off + p.total_size - 1, &last, 1);
	if (r <= 0)
		return r;
	len = body_len(&p);
	body = malloc(len ? len : 1);
	if (!body)
		return -ENOMEM;
	r = read_all(in, c->off + sizeof(p), body, len);
	if (r <= 0)
		return r;
	if (take(&p, body, len, c, o))
		o->taken++;
	else
		o->bad++;
	c->off += p.total_size;
	return 1;
}

int jitdump_parse(const struct jit_input *in, struct jit_cursor *c, struct jit_out *o)
{
	uint64_t begun = c->off;
	int r = c->begun ? 1 : read_header(in, c);

	while (r == 1 && !c->done && !jit_enough(o, begun, c->off))
		r = take_record(in, c, o);
	return c->done ? 0 : r;
}
