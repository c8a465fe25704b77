/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writers of profiles. Each writes into a sink piece by piece: the whole
 * encoded profile never stands in memory unless the sink keeps it.
 *
 * Takes trees, or windows for pprof; gives bytes. Never decides what is
 * selected or cut: that is the query's. Any thread. All return 0 or -errno:
 * the sink's own, or -ENOMEM.
 */
#ifndef RINGPROF_EXPORT_EXPORT_H
#define RINGPROF_EXPORT_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "query/query.h"
#include "query/series.h"

/* Takes n bytes; 0 or -errno, which ends the export with that error. */
struct sink {
	int (*write)(void *arg, const void *p, size_t n);
	void *arg;
};

/* A sink that appends to a buf. */
struct sink sink_buf(struct buf *b);
/* gzip in front of another sink; NULL: no memory. The trailer is written by finish, not by free. */
struct gzip_sink;
struct gzip_sink *gzip_sink_new(struct sink out);
struct sink gzip_sink_sink(struct gzip_sink *g);
int gzip_sink_finish(struct gzip_sink *g); /* 0 or -errno */
void gzip_sink_free(struct gzip_sink *g);  /* after finish, or to give up */

struct pprof_options {
	bool label_pid, label_tid, label_cpu; /* numeric sample labels */
	bool no_service_label;
	uint64_t time_nanos, duration_nanos; /* 0: from the windows */
	const char *comment;		     /* NULL: none */
};

/*
 * profile.proto, uncompressed, straight from windows (addresses and mappings
 * kept, unlike a tree). Samples of types samples/count and cpu/nanoseconds,
 * period_type cpu/nanoseconds, default type cpu; samples with equal stack and
 * labels are one. Written for the strictest readers: ids are exactly 1..n in
 * order, all texts are valid UTF-8, every location has a mapping and a line,
 * every mapping says has_functions, no label is empty.
 *
 * Everything a limit can end (query_limits, -ETIMEDOUT -ENOMEM -ECANCELED)
 * comes before the first byte: what fails later is the sink.
 *
 * Addresses: a user file's are its ELF virtual addresses, and its mapping is
 * the segment they lie in, placed where the ELF file wants it; so
 * address - memory_start + file_offset is the place in the file, and
 * pprof -list and -disasm work with the file at hand. What the history has of a
 * file, which is no headers, is one mapping around all that was sampled of a
 * segment; builds that stood at one path have one each. The kernel's mapping is
 * "[kernel.kallsyms]_text", modules' are "[name]", our own marks' "[ringprof]".
 *
 * Functions whose source is not known have filename "", start_line 1 and line
 * 0: `go build -pgo` refuses profiles in which no start_line is set, and takes
 * calls by line - start_line; -1 matches no call, so frames without lines can
 * never steer a compiler. A comment says how many functions have lines.
 */
int export_pprof(const struct query_env *env, const struct query_input *in,
		 const struct selector *sel, const struct pprof_options *opt,
		 const struct query_limits *lim, struct sink out);

/*
 * "root;...;leaf weight\n": suffixes _[k] kernel, _[j] JIT; self in samples.
 * A ';' inside a name is written ':'.
 */
int export_folded(const struct tree *t, struct sink out);
/*
 * Functions by self then total (a recursive function's total counts once),
 * tab separated text or JSON; 0 rows: all. Each row carries the standard errors
 * of its shares in percent points: the tree's, else of that many samples.
 */
int export_top(const struct tree *t, bool json, uint32_t max_rows, struct sink out);
/* speedscope's "sampled" profile, one sample per node with self weight; name NULL: "ringprof". */
int export_speedscope(const struct tree *t, const char *name, struct sink out);

/*
 * The page's own format, JSON: columnar, never nested:
 * {"version":1,"type":...,"unit":"nanoseconds","period":..,"from_ms":..,"to_ms":..,"total":..,
 *  "samples":..,"lost":..,"lost_samples":..,"truncated":..,"left_out":..,"duration_ms":..,
 *  "cpus":..,"windows":..,"stretches":..,"tiers":{"memory":windows,"10s":..},"files_refused":..,
 *  "other_hosts":..,"cut":bool,"strings":[...],
 *  "funcs":{"name":[i..],"object":[i..],"file":[i..],"line":[..],"kind":[0..5],
 *           "self_error_ppm":[..],"total_error_ppm":[..]},
 *  "nodes":{"parent":[..],"func":[..],"self":[..],"total":[..],"error_ppm":[..]}}
 * Nodes in pre-order (a parent before its children, children heaviest first), node 0 the root.
 * error_ppm: standard error of total (or self) / (the root's total), in millionths, of the whole
 * tree, whatever was cut; struct tree.errors.
 */
int export_flamegraph(const struct tree *t, bool cut, struct sink out);

/*
 * A time line, JSON:
 * {"version":1,"from_ms":..,"to_ms":..,"step_ms":..,"unit":"cores"|"samples_per_second",
 *  "groups":[{"labels":{"service_name":"x"},"other":bool,"values":[..],"samples":[..],"total":ns}],
 *  "total":[..],"lost":[..],"events":[...]}
 * values, total and lost are in the unit, null where nothing was recorded, and
 * means over what was recorded of a step. events: JSON as it is, the inside of an array.
 */
int export_series(const struct series *s, const char *const *labels, uint32_t n_labels,
		  bool in_samples, const struct buf *events, struct sink out);

/*
 * Samples as `perf script` prints them, in order of time within each window,
 * for the programs that read that: comm, pid/tid, CPU, time, period and event,
 * then the frames, innermost first. A window knows how often a stack was seen
 * and not when: its samples are spread evenly over it. What the limits end
 * comes in the middle of the writing.
 */
int export_perf_script(const struct query_env *env, const struct query_input *in,
		       const struct selector *sel, const struct query_limits *lim, struct sink out);

#endif
