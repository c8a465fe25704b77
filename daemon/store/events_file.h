/* SPDX-License-Identifier: GPL-2.0 */
/* Events on disk: one small SQLite file beside the history's. The caller serialises. */
#ifndef RINGPROF_STORE_EVENTS_FILE_H
#define RINGPROF_STORE_EVENTS_FILE_H

#include "store/store.h"

struct events_file;

/*
 * Opens or makes the file and tells each event in it, as it was added. 0;
 * -EBADMSG: it is none of ours; -ENOMEM, -EIO, fn's result.
 */
int events_file_open(struct events_file **ret, const char *path,
		     int (*fn)(void *arg, const struct store_event *e), void *arg);
void events_file_close(struct events_file *f); /* NULL is fine */
int events_file_add(struct events_file *f, const struct store_event *e);
/* Forgets the one of that id. */
void events_file_drop(struct events_file *f, uint64_t id);

#endif
