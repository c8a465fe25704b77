/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What jit_ask.c asks of a reader and jit_serve.c answers: "read on from
 * there". How far a file was read is the daemon's to keep, so any reader can
 * go on where the one before it ended. Fields are of one host.
 *
 * An answer is a struct jit_answer, then records: a struct jit_record and what
 * its kind has behind it.
 */
#ifndef RINGPROF_SYM_JIT_MSG_H
#define RINGPROF_SYM_JIT_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

#define JIT_MAX_CODE	 (1U << 30)   /* bytes of one piece; no code is that long */
#define JIT_MAX_LINES	 65536	      /* line entries of one piece */
#define JIT_MAX_DEBUG	 (4U << 20)   /* bytes of a record with them */
#define JIT_MAX_CHUNK	 65536	      /* bytes of a perf map that are taken at once */
#define JIT_BATCH_BYTES	 (1U << 20)   /* of a file in one question, about */
#define JIT_BATCH_ANSWER (256U << 10) /* bytes of records after which there is no further one */

/* how far a file was read; all zero: not at all. The flags are 0 or 1 */
struct jit_cursor {
	uint64_t off;
	uint32_t skip;	/* perf map: in a line longer than any name */
	uint32_t begun; /* jitdump: its header was read */
	uint32_t done;	/* jitdump: closed */
	uint32_t reserved;
};

struct jit_question {
	struct jit_cursor at;
	uint32_t is_map; /* 0: a jitdump */
	uint32_t reserved;
};

struct jit_answer {
	struct jit_cursor at;
	uint64_t taken, bad; /* lines or records, and of them those that make no sense */
	int32_t status;	     /* 1: there is more now, 0, -errno */
	uint32_t reserved;
};

enum jit_record_kind {
	JIT_CODE,  /* the name, len bytes */
	JIT_MOVE,  /* nothing */
	JIT_LINES, /* size entries struct jit_line, then len bytes of texts with their NULs */
	JIT_KINDS
};

struct jit_record {
	uint32_t kind, len;
	uint64_t start, size;
	uint64_t old;  /* JIT_MOVE: where it was */
	uint64_t time; /* mono ns it appeared; 0: not known */
};

/* lines of one piece of code, by address */
struct jit_line {
	uint64_t addr;
	uint32_t line;
	uint32_t file; /* offset in texts */
};

/* A batch is over once it is this long, so: that and the largest record, or a chunk of short lines. */
#define JIT_MAX_ANSWER                                                  \
	(sizeof(struct jit_answer) + JIT_BATCH_ANSWER + JIT_MAX_DEBUG + \
	 (JIT_MAX_LINES + JIT_MAX_CHUNK / 6) * sizeof(struct jit_record))

/* ---- the daemon's side: jit_ask.c ---- */

/* lines of one piece of code, by address */
struct jit_lines {
	uint32_t n;
	size_t bytes; /* of this block */
	char *texts;
	struct jit_line at[];
};

/* What is told of a file's code, and whom. */
struct jit_sink {
	void *arg;
	/* name is not NUL-terminated; lines (or NULL) becomes the sink's; time 0: not known */
	void (*code)(void *arg, uint64_t start, uint64_t end, uint64_t time, const char *name,
		     size_t len, struct jit_lines *lines);
	void (*move)(void *arg, uint64_t old, uint64_t start, uint64_t size, uint64_t time);
	uint64_t taken, bad;
};

/* How far a file was read, and lines of the code that is told of next. */
struct jit_place {
	struct jit_cursor at;
	struct jit_lines *lines; /* owned, or NULL */
	uint64_t lines_addr;
};
void jit_place_done(struct jit_place *p);
/*
 * Takes an answer apart, whose question was about p->at, tells sink of it and
 * moves p on. 1 there is more now, 0, -EINVAL no jitdump we read, -EIO; -EPROTO:
 * the answer makes no sense, nothing was told.
 */
int jit_take_answer(const void *data, size_t len, struct jit_place *p, struct jit_sink *sink);

/* ---- the reader's side: jit_serve.c, jit_perfmap.c, jitdump.c ---- */

/* a file, or bytes for tests */
struct jit_input {
	int fd; /* -1: mem */
	const uint8_t *mem;
	uint64_t size;
};
/* Reads up to len bytes at off; the number, 0 at the end, -errno. */
ssize_t jit_input_read(const struct jit_input *in, uint64_t off, void *dst, size_t len);

struct jit_out {
	struct buf *b; /* records */
	uint64_t taken, bad;
};

void jit_put_code(struct jit_out *o, uint64_t start, uint64_t size, uint64_t time, const char *name,
		  size_t len);
void jit_put_move(struct jit_out *o, uint64_t old, uint64_t start, uint64_t size, uint64_t time);
/* Of the code that is told of next, if it begins at start; n 0: it has none. */
void jit_put_lines(struct jit_out *o, uint64_t start, const struct jit_line *lines, uint32_t n,
		   const struct buf *texts);
/* Is the batch full that has come from begun to off? */
bool jit_enough(const struct jit_out *o, uint64_t begun, uint64_t off);

/*
 * Parse on from the cursor, a batch at most and only whole lines or records.
 * 1: there is more to read now; 0: at the end; -errno (-EINVAL: no jitdump we
 * read). What makes no sense is left out and counted in o->bad.
 */
int perfmap_parse(const struct jit_input *in, struct jit_cursor *c, struct jit_out *o);
int jitdump_parse(const struct jit_input *in, struct jit_cursor *c, struct jit_out *o);

/* The whole answer to a question about that input; ret->err: no memory. */
void jit_read_batch(const struct jit_input *in, const struct jit_question *q, struct buf *ret);

#endif
