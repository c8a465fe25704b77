/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writers of profiles. Each writes into a sink piece by piece: the whole
 * encoded profile never stands in memory unless the sink keeps it.
 */
#ifndef RINGPROF_EXPORT_EXPORT_H
#define RINGPROF_EXPORT_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "query/query.h"

/* Takes n bytes; 0 or -errno, which ends the export with that error. */
struct sink {
	int (*write)(void *arg, const void *p, size_t n);
	void *arg;
};

/* A sink that appends to a buf. */
struct sink sink_buf(struct buf *b);
/* gzip in front of another sink. finish writes the trailer and frees. NULL: no memory. */
struct gzip_sink;
struct gzip_sink *gzip_sink_new(struct sink out);
struct sink gzip_sink_sink(struct gzip_sink *g);
int gzip_sink_finish(struct gzip_sink *g); /* 0 or -errno */
void gzip_sink_free(struct gzip_sink *g); /* after finish, or to give up */

struct pprof_options {
	bool label_pid, label_tid, label_cpu; /* numeric sample labels */
	bool no_service_label;
	uint64_t time_nanos, duration_nanos; /* 0: from the windows */
	const char *comment; /* NULL: none */
};

/*
 * profile.proto, uncompressed, straight from windows (addresses and mappings
 * kept, unlike a tree). Strict as facts 3.3 asks. Samples of types
 * samples/count and cpu/nanoseconds, period_type cpu/nanoseconds.
 */
int export_pprof(const struct query_env *env, const struct window_list *in,
		 const struct selector *sel, const struct pprof_options *opt,
		 const struct query_limits *lim, struct sink out);

/* "root;...;leaf weight\n": suffixes _[k] kernel, _[j] JIT; self in samples. */
int export_folded(const struct tree *t, struct sink out);
/* functions by self then total, tab separated text or JSON */
int export_top(const struct tree *t, bool json, uint32_t max_rows, struct sink out);
int export_speedscope(const struct tree *t, const char *name, struct sink out);

/*
 * The page's own format, JSON: columnar, never nested:
 * {"version":1,"type":...,"unit":"nanoseconds","period":..,"from_ms":..,"to_ms":..,"total":..,
 *  "samples":..,"lost":..,"lost_samples":..,"truncated":..,"cut":bool,"cpus":..,"windows":..,
 *  "strings":[...],"funcs":{"name":[i..],"object":[i..],"file":[i..],"line":[..],"kind":[0..5]},
 *  "nodes":{"parent":[..],"func":[..],"self":[..],"total":[..]}}
 * Nodes in pre-order (a parent before its children, children heaviest first), node 0 the root.
 */
int export_flamegraph(const struct tree *t, bool cut, struct sink out);

#endif
