/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rules that change label sets before they become series, with the meaning
 * that Prometheus' relabel_config gives them: replace, keep, drop, labelmap,
 * labeldrop, labelkeep, lowercase, uppercase. Rules run in the order in which
 * they were first named; regular expressions are PCRE2's, anchored at both
 * ends, and their matching is bounded: one that gives up changes nothing and
 * is counted.
 *
 * Built by one thread, then used by one thread.
 */
#ifndef RINGPROF_AGG_RELABEL_H
#define RINGPROF_AGG_RELABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agg/model.h"

#define RELABEL_MAX_RULES   256
#define RELABEL_MAX_SOURCES 16
#define RELABEL_MAX_PATTERN 4096
#define RELABEL_MAX_VALUE   4096 /* a longer value is not made: counted */

struct relabel;

struct relabel *relabel_new(void);		/* one reference, without rules; NULL: no memory */
struct relabel *relabel_ref(struct relabel *r); /* NULL is fine; any thread */
void relabel_unref(struct relabel *r);		/* the same */
/*
 * One line of a rule's section: key is one of source_labels (separated by
 * commas), separator (default ";"), regex ("(.*)"), target_label, replacement
 * ("$1"), action ("replace"). A key given again replaces what it said. where:
 * "FILE:LINE", kept for relabel_check. 0, -ENOMEM, or -EINVAL with "KEY: ..."
 * and what is allowed in err.
 */
int relabel_set(struct relabel *r, const char *rule, const char *key, const char *value,
		const char *where, char *err, size_t errlen);
/* After the last line: is every rule whole? -EINVAL with "FILE:LINE: [relabel RULE]: ..." in err. */
int relabel_check(struct relabel *r, char *err, size_t errlen);
bool relabel_is_empty(const struct relabel *r); /* NULL is */
/*
 * Applies all rules to s, whose labels are sorted by key and stay so. true:
 * the set is kept; false: a rule drops it. New texts in s are good until the
 * next call. *full counts labels that found no room in s.
 */
bool relabel_apply(struct relabel *r, struct model_series *s, uint64_t *full);
/* Rules that gave up: match limit, value too long. */
uint64_t relabel_failures(const struct relabel *r);

/*
 * Label sets, sorted by key. Puts key=value in its place: one of that key is
 * replaced, or stays if `keep`; false: no room.
 */
bool series_put(struct model_series *s, const char *key, const char *value, bool keep);
const char *series_get(const struct model_series *s, const char *key); /* NULL: none */
void series_remove(struct model_series *s, uint32_t i);

#endif
