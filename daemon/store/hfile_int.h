/* SPDX-License-Identifier: GPL-2.0 */
/* Between the two halves of a history file: hfile.c writes, hfile_read.c reads. */
#ifndef RINGPROF_STORE_HFILE_INT_H
#define RINGPROF_STORE_HFILE_INT_H

#include "store/hfile.h"

#define HFILE_STR2(x) #x
#define HFILE_STR(x)  HFILE_STR2(x)

/* SQLite's result as -errno: -ENOSPC, -ENOMEM, -EBADMSG (corrupt, or not of ours), -EIO. */
int hfile_errno(int sql);
int hfile_sql(sqlite3 *db, const char *text);
int hfile_connect(const char *path, int flags, sqlite3 **ret);
struct hfile *hfile_alloc(const char *path);
/* With the file's lock held. */
void hfile_close_reader(struct hfile *f);

#endif
