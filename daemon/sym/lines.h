/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Debug information of files: found, opened at the first question, kept under
 * a byte limit, closed again least recently used first, or when nobody has
 * asked for a while.
 *
 * Any thread; questions wait for each other, since opening a large file takes
 * its time. Who cannot wait for that has lines_try; the collector never asks.
 */
#ifndef RINGPROF_SYM_LINES_H
#define RINGPROF_SYM_LINES_H

#include "sym/dwarf.h"
#include "sym/files.h"

#define LINES_IDLE_NS  (120ULL * 1000000000)
#define LINES_RETRY_NS (600ULL * 1000000000) /* files without are looked for again after that */

struct lines;

/* reader: who reads the files, NULL: we do; it stays the caller's. NULL: no memory. */
struct reader;
struct lines *lines_new(uint64_t max_bytes, const char *debug_dirs, struct reader *reader);
void lines_free(struct lines *l);
/* fn is told of each file whose debug information is nowhere; it must not wait. Before others ask. */
void lines_on_missing(struct lines *l, void (*fn)(void *arg, struct file *f), void *arg);
/*
 * The frames at a vaddr of the file, innermost first (see dwarf.h). Number of
 * them; 0: there is nothing about it; -EAGAIN: nobody can read it now.
 */
int lines_lookup(struct lines *l, struct file *f, uint64_t vaddr, dwarf_emit emit, void *arg);
/* The same from what is open; -EAGAIN: the file must be opened first, or somebody else asks. */
int lines_try(struct lines *l, struct file *f, uint64_t vaddr, dwarf_emit emit, void *arg);
/* Forgets which files had none: debug files have come. */
void lines_retry(struct lines *l);
/* Closes what was not asked for in LINES_IDLE_NS; gives up if a question is being answered. */
void lines_tidy(struct lines *l);

struct lines_counters {
	uint64_t files, bytes, loads, evictions;
	uint64_t too_large;	 /* files whose debug information is over the limit */
	uint64_t damaged;	 /* and files in which it made no sense */
	uint64_t found, missing; /* questions */
};
void lines_counters(struct lines *l, struct lines_counters *ret);

#endif
