/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Prometheus text, format 0.0.4. A family is announced once, its samples
 * follow at once:
 *
 *	metrics_family(b, "ringprof_rounds_total", METRIC_COUNTER, "Drains.");
 *	metrics_u64(b, "ringprof_rounds_total", n, NULL);
 *	metrics_u64(b, "ringprof_samples_total", n, "outcome", "idle", "reason", "", NULL);
 *
 * Base units; counters end in _total; label values from a bounded set. Errors
 * stay in the buf.
 */
#ifndef RINGPROF_HTTP_METRICS_H
#define RINGPROF_HTTP_METRICS_H

#include <stdint.h>

#include "base/buf.h"

#define METRIC_COUNTER "counter"
#define METRIC_GAUGE   "gauge"

void metrics_family(struct buf *b, const char *name, const char *type, const char *help);

/* After v: label, value, label, value, ..., NULL. Values are escaped here; NULL is "". */
void metrics_u64(struct buf *b, const char *name, uint64_t v, ...) __attribute__((sentinel));
/* v in nanoseconds, written in seconds, exactly. */
void metrics_ns(struct buf *b, const char *name, uint64_t v, ...) __attribute__((sentinel));

#endif
