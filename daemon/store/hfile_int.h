/* SPDX-License-Identifier: GPL-2.0 */
/* Between the parts of a history file: hfile.c writes, hfile_read.c reads, hfile_dict.c is for both. */
#ifndef RINGPROF_STORE_HFILE_INT_H
#define RINGPROF_STORE_HFILE_INT_H

#include "store/hfile.h"

#define HFILE_STR2(x) #x
#define HFILE_STR(x)  HFILE_STR2(x)

/* bytes of a segment, unpacked: what it takes in memory is a multiple of that */
#define HFILE_MAX_SEGMENT (16U << 20)

/* All that is in a file, as SQLite keeps the text: a reader takes no others. */
#define HFILE_TABLES 4
extern const char *const hfile_tables[HFILE_TABLES];

/* SQLite's result as -errno: -ENOSPC, -ENOMEM, -EBADMSG (corrupt, or not of ours), -EIO. */
int hfile_errno(int sql);
int hfile_sql(sqlite3 *db, const char *text);
int hfile_connect(const char *path, int flags, sqlite3 **ret);
struct hfile *hfile_alloc(const char *path);
/* The first column of a question's first row, -1: there is none. */
int64_t hfile_number(sqlite3 *db, const char *sql);
/* A row of the table meta: text, or number where it is NULL. 0 or -errno as hfile_errno. */
int hfile_put_meta(sqlite3 *db, const char *key, const char *text, int64_t number);
/* Readers' connection, if it is not there; 0 or -errno. With the file's lock held, both. */
int hfile_reader(struct hfile *f);
void hfile_close_reader(struct hfile *f);
/*
 * Takes the file's lock and its dictionary's, which is there then, until
 * hfile_end_read. With an error, as hfile_load, none is held.
 */
int hfile_begin_read(struct hfile *f);
void hfile_end_read(struct hfile *f);

#endif
