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
 *  "funcs":{"name":[i..],"object":[i..],"file":[i..],"line":[..],"kind":[0..5],
 *           "self_significant":[0|1..],"total_significant":[0|1..],"self_se":[..],"total_se":[..]},
 *  "nodes":{"parent":[..],"func":[..],"self_a":[..],"total_a":[..],"self_b":[..],"total_b":[..],
 *           "significant":[0|1..],"se":[..]}}
 * se and significant are of the change of a node's or function's total (or self) in the
 * compared unit; a function's of the nodes in the answer, a recursive one counted once.
 * Nodes in pre-order, node 0 the root. HEAD is what all JSON of a diff begins with:
 * "type":"cpu","unit":"nanoseconds","mode":"rate|work|share","compared":"cores",
 * "confidence":.., "limit":[..,..],"whole":{"se":..,"significant":bool},"a":SIDE,"b":SIDE with
 * SIDE {"from_ms","to_ms","duration_ms","total","samples","lost","lost_samples","truncated",
 * "cpus","windows","other_hosts","per"}; a weight divided by its side's "per" is in the compared
 * unit. limit: how many standard errors a change must exceed, of independent samples and where
 * the error between stretches of time is larger than theirs. whole: of the totals' change.
 */
int export_diff_flamegraph(const struct diff *d, bool cut, struct sink out);

/*
 * {"version":1,HEAD,"rows":[{"name","object","a","b","delta","ratio","cores_a","cores_b","se",
 * "significant","self_delta","self_se","self_significant","total_a","total_b","samples_a",
 * "samples_b"}..]}: functions by absolute delta, at most max_rows (0: all). a, b and what is
 * called delta or se are in the compared unit, ratio is
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
