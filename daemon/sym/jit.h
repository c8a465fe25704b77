/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of code that a process made itself, as its JIT tells: by a perf map
 * (/tmp/perf-PID.map) or a jitdump (jit-PID.dump, found by its mapping).
 *
 * Addresses get used again: what stood at one when a sample was taken and what
 * stands there when somebody asks are two things. So a table keeps all code of
 * a process it was ever told of, each piece with the time it appeared and a
 * version: 0, or one more than that of the newest piece it overlaps. Pieces of
 * one version never overlap, hence (table, version, address) names one piece
 * for ever, and that is what a frame of the model holds: no name is copied at
 * sample time, and one that arrives after the sample (Java writes its map on
 * request) still counts for it.
 *
 * Files are opened by a thread of its own, for they may lie on a file system
 * that answers when it likes (FUSE in a container's /tmp), and O_NONBLOCK
 * means nothing for a regular file; what stands in them is read by a reader
 * (sym/reader.h). The collector asks for a reading at the
 * first sample of a process in each drain and waits for it a few
 * milliseconds: the common file is read by then, so even the newest sample
 * meets the names of its moment. A thread that hangs is left behind with its
 * process, which is not read again, and another one goes on.
 */
#ifndef RINGPROF_SYM_JIT_H
#define RINGPROF_SYM_JIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sym/files.h"

struct buf;
struct jit;
struct jit_proc;
struct jit_table;
struct reader;

struct jit_config {
	size_t max_bytes;	/* all tables; 0: 64 MiB. The largest is emptied first */
	size_t max_table_bytes; /* one process; 0: a quarter of that */
	uint64_t max_file;	/* bytes of one file; 0: 64 MiB; it is cut there */
	struct reader *reader;	/* who reads them (sym/reader.h), the caller's; NULL: we do */
};

struct jit *jit_new(const struct jit_config *cfg); /* NULL: no memory */
/* Ends the reading. Tables that a model still refers to stay good. NULL is fine. */
void jit_free(struct jit *j);

/* ---- the collector thread ---- */

/*
 * A process that runs code of its own making. start_ticks: field 22 of its
 * stat, 0 unknown; what was written before that is another process's. NULL: no
 * memory.
 */
struct jit_proc *jit_proc_new(struct jit *j, pid_t pid, uint64_t start_ticks);
/* The process is gone; what it wrote last is read yet. NULL is fine. */
void jit_proc_free(struct jit_proc *p);
/* It maps w->path, whose name says jitdump (jit_is_dump); w is copied. */
void jit_proc_dump(struct jit_proc *p, const struct file_where *w);
bool jit_is_dump(const char *path);
/*
 * A sample of time t (mono ns, rising) is about to be looked up. True: an
 * address may mean something else than at the call before, so what was
 * remembered of addresses does not hold any more.
 */
bool jit_proc_advance(struct jit_proc *p, uint64_t t);
/* The table frames refer to now, valid until the next jit_proc_advance. */
struct jit_table *jit_proc_table(const struct jit_proc *p);

/* ---- any thread ---- */

struct jit_table *jit_table_ref(struct jit_table *t);
void jit_table_unref(struct jit_table *t); /* NULL is fine */
/* Small number of the table, from 1 on, never used again in this run. */
uint32_t jit_table_id(const struct jit_table *t);
/* Version of what stood at addr at time t; 0 also where nothing is known. */
uint32_t jit_table_version(struct jit_table *t, uint64_t addr, uint64_t time);
/* Does any code that was told of cover addr? */
bool jit_table_covers(struct jit_table *t, uint64_t addr);

#define JIT_NAME_MAX 4096 /* with NUL; longer names are cut */

struct jit_symbol {
	uint64_t start;
	char name[JIT_NAME_MAX];
	char file[JIT_NAME_MAX]; /* "" unknown */
	uint32_t line;		 /* 0 unknown */
};
/* What version `version` has at addr; false: nothing. */
bool jit_table_symbol(struct jit_table *t, uint32_t version, uint64_t addr, struct jit_symbol *ret);

enum jit_refusal {
	JIT_NOT_REGULAR, /* a FIFO, a link, a directory in its place */
	JIT_OWNER,	 /* neither the process's user's nor root's */
	JIT_STALE,	 /* last written before the process began */
	JIT_TOO_LONG,	 /* more bytes than are read of one file: cut there */
	JIT_BAD_FORMAT,	 /* a jitdump of another byte order, version or clock */
	JIT_HANGS,	 /* opening did not come back */
	JIT_UNREADABLE,	 /* its reader ended at it, or said nonsense */
	JIT_REFUSALS
};

struct jit_counters {
	uint64_t processes; /* that ran such code, and live */
	uint64_t tables, code, bytes;
	uint64_t lines, records; /* of perf maps and jitdumps, taken */
	uint64_t bad_lines;	 /* lines and records that make no sense */
	uint64_t full;		 /* pieces of code left out: a limit */
	uint64_t evicted;	 /* tables emptied: the limit of all */
	uint64_t late; /* code that replaced other code and was told of after its samples */
	uint64_t waits, wait_ns; /* of the collector for the thread */
	uint64_t reads;
	uint64_t refused[JIT_REFUSALS]; /* files, by reason */
};
void jit_counters(struct jit *j, struct jit_counters *ret);

struct reader_conn;
struct reader_args;
/* The reader's side of reading (a reader_serve_fn). */
int jit_serve(struct reader_conn *c, const struct reader_args *q, struct buf *ret);

/* "not_regular", ... for metrics. */
const char *jit_refusal_name(enum jit_refusal why);

#endif
