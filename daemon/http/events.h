/* SPDX-License-Identifier: GPL-2.0 */
/* Events of the history as JSON. */
#ifndef RINGPROF_HTTP_EVENTS_H
#define RINGPROF_HTTP_EVENTS_H

#include "base/buf.h"
#include "store/store.h"

#define EVENTS_MAX 10000 /* in one answer, the oldest of the range */

/*
 * Appends {"id":..,"kind":"deploy","service":..,"version":..,"git_ref":..,
 * "text":..,"time":ms,"timeEnd":ms,"title":..,"tags":[..]}, ... of [from, to),
 * wall ns. The last four are what Grafana reads as annotations. 0 or -errno.
 */
int events_json(struct store *s, uint64_t from, uint64_t to, struct buf *b);

#endif
