/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The unwind tables of all files seen, by file key: compiled once on a thread
 * of its own, kept on disk (DIR/rows/VERSION/KEY), mapped from there. The
 * perf source walks with them; the module gets them (handover.h).
 *
 * A cache file is ours (0600, our directory) but is checked like a stranger's
 * before it is used: a wrong one is compiled anew.
 */
#ifndef RINGPROF_UNWIND_TABLES_H
#define RINGPROF_UNWIND_TABLES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ringprof/row.h"
#include "sym/files.h"
#include "unwind/rows.h"

struct tables;

struct unwind_table {
	struct ringprof_table view; /* n_rows 0: nothing to go by in this file */
	uint8_t key[RINGPROF_KEY_SIZE];
	struct ringprof_segment segments[RINGPROF_MAX_SEGMENTS];
	uint32_t n_segments;
	uint32_t number; /* 1, 2, ... in order of becoming ready */
};

#define TABLES_MAX_DISK	 (UINT64_C(1) << 30)
#define TABLES_MAX_BYTES (UINT64_C(256) << 20)

struct reader;

struct tables_config {
	struct reader *reader; /* who reads the files (sym/reader.h), the caller's; NULL: we do */
	const char *dir;       /* cache directory, NULL: none is kept */
	uint64_t max_disk;     /* bytes, oldest used go first; 0: TABLES_MAX_DISK */
	uint64_t max_bytes;    /* of tables mapped or in memory; 0: TABLES_MAX_BYTES */
};

/*
 * NULL: no memory. A directory that cannot be used is a counter, no error. The
 * thread begins, and the directory is opened, with the first tables_get.
 */
struct tables *tables_new(const struct tables_config *cfg, struct files *files);
void tables_free(struct tables *t); /* NULL is fine; ends the thread */
/*
 * Makes the cache directory below dir, whose parent must be there, and gives it
 * to that user and group; to be called with the right to. What another user left
 * in it is not believed. 0 or -errno.
 */
int tables_make_dir(const char *dir, uid_t uid, gid_t gid);

/*
 * The table of a file: NULL while it is not ready (it is queued then); one
 * without rows when none can be had (no ELF we know, no room). The collector's
 * call: cheap, never blocks on compiling. Lives up to the next tables_trim.
 */
const struct unwind_table *tables_get(struct tables *t, struct file *f);
/*
 * Makes room for tables that did not fit, by letting go of those that were
 * not asked for in the last 10 s. To be called between rounds, when no
 * struct unwind_table is held (but the vDSO's).
 */
void tables_trim(struct tables *t);
/* Is what tables_get gave an empty stand-in for a table that may yet be made? Any thread. */
bool tables_may_come(const struct tables *t, const struct unwind_table *given);
/* Table of the vDSO, from our own memory; NULL: none. */
const struct unwind_table *tables_vdso(struct tables *t);
/*
 * Ready tables with number > *after, one a call, with the file it is of
 * (a reference; NULL: the vDSO); NULL: no more. For the hand-over.
 */
const struct unwind_table *tables_next(struct tables *t, uint32_t *after, struct file **ret_file);
/* Waits until the queue is empty, at most timeout ns; 0 or -ETIMEDOUT (tests, record). */
int tables_wait(struct tables *t, uint64_t timeout);

struct tables_counters {
	uint64_t ready, queued, compiled, from_cache, failed, bytes, disk_bytes, rows, opaque_rows;
	uint64_t rows_by[ROWS_ORIGINS]; /* of rows: what they were made from */
	uint64_t compile_ns;
	uint64_t queue_full; /* askings that found no place in the queue */
	uint64_t no_room;    /* tables over the memory limit */
	uint64_t evicted;    /* let go of in memory */
	uint64_t disk_evicted, disk_errors;
	uint64_t bad_fdes; /* functions whose unwind information was left out as wrong */
};
void tables_counters(struct tables *t, struct tables_counters *ret);

#endif
