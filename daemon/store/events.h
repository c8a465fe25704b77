/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What happened when: deploys and notes, in order of time, the oldest out
 * first past a limit. In memory; with a history on disk in a file beside it
 * too. Any thread.
 */
#ifndef RINGPROF_STORE_EVENTS_H
#define RINGPROF_STORE_EVENTS_H

#include "store/store.h"

struct events;

#define EVENTS_MAX_BYTES (8 << 20)

struct events *events_new(void); /* NULL: no memory */
void events_free(struct events *e);
/*
 * Keeps them in that file, too, beside those that are in it. 0 or -errno: then
 * in memory alone, as before; -EBADMSG: the file is none of ours.
 */
int events_keep(struct events *e, const char *path);
int events_add(struct events *e, const struct store_event *in, uint64_t *ret_id);
int events_list(struct events *e, uint64_t from, uint64_t to,
		int (*fn)(void *arg, const struct store_event *e), void *arg);

#endif
