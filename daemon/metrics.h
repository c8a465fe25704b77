/* SPDX-License-Identifier: GPL-2.0 */
/* The daemon's own counters as Prometheus text and as the JSON of `ringprof status`. */
#ifndef RINGPROF_METRICS_H
#define RINGPROF_METRICS_H

#include "agg/collector.h"
#include "base/buf.h"
#include "base/config.h"
#include "http/server.h"
#include "reading.h"
#include "store/store.h"
#include "sym/files.h"
#include "sym/symbols.h"

struct metrics_env {
	struct collector *collector;
	struct store *store;
	struct files *files;
	struct symbols *symbols;
	struct http_server *http; /* NULL until it serves */
	const struct config *config;
	struct readings readings;
};

/* names: what has programs' paths in it, too. Any thread. */
void metrics_write(const struct metrics_env *env, bool names, struct buf *b);
void status_write(const struct metrics_env *env, struct buf *b); /* any thread */

#endif
