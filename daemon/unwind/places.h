/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where files lie that are mapped. The module tells files by their inode and
 * its ctime, the tables here go by content: a file of several copies (one in
 * each container), or one whose ctime changed (chmod, a hard link), needs its
 * table handed over for each of these. This finds such places as processes
 * map them, and gives each once: what the module lets go of afterwards is
 * evicted.h's concern.
 *
 * Looking costs two system calls or so for a place, once in PLACES_AGAIN_NS.
 * A place waits with its file open until it is taken. Collector thread.
 */
#ifndef RINGPROF_UNWIND_PLACES_H
#define RINGPROF_UNWIND_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "unwind/tables.h"

#define PLACES_AGAIN_NS 2000000000ULL
#define PLACES_WAITING	32U    /* open files, at most */
#define PLACES_KNOWN	16384U /* inodes; then all are found anew */

struct places;

struct places *places_new(void);    /* NULL: no memory */
void places_free(struct places *p); /* NULL is fine */
/* Nothing was given to anybody. */
void places_reset(struct places *p);

/* f is mapped from there. False: too many wait already, tell it again. */
bool places_seen(struct places *p, struct file *f, const struct file_where *w);
/*
 * The file behind fd is to be given (again); f: its content. Takes both over.
 * False: too many wait already, both are let go of.
 */
bool places_again(struct places *p, int fd, struct file *f);
/* Notes that the file behind fd is given; false: it was before. */
bool places_give(struct places *p, int fd);
/*
 * The next place whose table is ready: its descriptor (the caller's), the
 * table, the file (a reference); -1: none.
 */
int places_next(struct places *p, struct tables *t, const struct unwind_table **ret,
		struct file **ret_file);
/* Places that wait. */
uint32_t places_waiting(const struct places *p);

#endif
