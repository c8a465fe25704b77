/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writers of differences, as export.h has them of profiles: takes a diff,
 * gives bytes into a sink. Any thread. 0 or -errno: the sink's own, or -ENOMEM.
 */
#ifndef RINGPROF_EXPORT_DIFF_EXPORT_H
#define RINGPROF_EXPORT_DIFF_EXPORT_H

#include "export/export.h"
#include "query/diff.h"

/*
 * The columns of export_flamegraph with both sides' weights:
 * {"version":1,HEAD,"cut":bool,"strings":[...],
 *  "funcs":{"name":[i..],"object":[i..],"file":[i..],"line":[..],"kind":[0..5]},
 *  "nodes":{"parent":[..],"func":[..],"self_a":[..],"total_a":[..],"self_b":[..],"total_b":[..],
 *           "significant":[0|1..]}}
 * Nodes in pre-order, node 0 the root. HEAD is what all JSON of a diff begins with:
 * "type":"cpu","unit":"nanoseconds","mode":"rate|work|share","compared":"cores",
 * "confidence":.., "a":SIDE,"b":SIDE with SIDE {"from_ms","to_ms","duration_ms","total",
 * "samples","lost","lost_samples","truncated","cpus","windows","per"}; a weight divided by its
 * side's "per" is in the compared unit.
 */
int export_diff_flamegraph(const struct diff *d, bool cut, struct sink out);

/*
 * {"version":1,HEAD,"rows":[{"name","object","a","b","delta","ratio","cores_a","cores_b","se",
 * "significant","self_delta","total_a","total_b","samples_a","samples_b"}..]}: functions by
 * absolute delta, at most max_rows (0: all). a, b, delta and se are in the compared unit, ratio is
 * b over a - 1 (null: a is 0), cores null where the unit is not time or the duration not known.
 */
int export_diff_table(const struct diff *d, uint32_t max_rows, struct sink out);

/*
 * profile.proto, uncompressed, as `pprof -diff_base` would make it: the head's
 * values, and the base's negated under the label pprof::base=true. The base is
 * scaled to the head's time, work or total (a comment says by what), so that
 * what is left is the growth. Frames are functions, without addresses.
 */
int export_diff_pprof(const struct diff *d, struct sink out);

/* HEAD without braces or a comma at its end. */
struct writer;
void diff_json_head(struct writer *w, const struct diff *d);
/* What a weight of the base is multiplied by to stand beside the head's. */
double diff_base_factor(const struct diff *d);

#endif
