/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which label sets the history has. Reads totals only, never a stack. Any
 * thread.
 */
#ifndef RINGPROF_QUERY_LABELS_H
#define RINGPROF_QUERY_LABELS_H

#include "query/query.h"

#define LABEL_SETS_MAX 20000 /* distinct ones in one answer */

struct label_set { /* sorted by key; texts are the label_sets' */
	uint32_t n;
	struct {
		const char *key, *value;
	} * labels;
};

struct label_sets {
	struct label_set *set;
	uint32_t n;
	bool cut; /* there are more than LABEL_SETS_MAX */
	struct strtab *strings;
};

/* Which label sets: those of [from, to), wall ns, that one of the selectors takes (none: all). */
struct label_ask {
	uint64_t from, to;
	struct selector *const *sel;
	uint32_t n_sel;
	bool all_hosts; /* imported ones, too, where no selector names the host: as in store_ask */
};

/* Distinct ones. 0, or as query_tree. Free with label_sets_free. */
int query_label_sets(const struct query_env *env, const struct label_ask *ask,
		     const struct query_limits *lim, struct label_sets **ret);
void label_sets_free(struct label_sets *s);

/*
 * Distinct keys, or values of one key (""), sorted by bytes: *ret has them in
 * an array to free, their texts are the sets'. key NULL: the keys.
 */
int label_sets_words(const struct label_sets *s, const char *key, const char ***ret, uint32_t *n);

/* One of those that ringprof itself gives, or pid, tid, cpu. */
bool label_is_standard(const char *label);
/* The one that tells hosts apart? Asked for, it is of imported windows, too. key may be NULL. */
bool label_is_host(const char *key);
/* The label's name for its short form (service, version, env), else the text itself. */
const char *label_alias(const char *label);
/*
 * Has any label set of the whole history this label? 1; 0 with the nearest
 * known name in near ("" none is near); or as query_tree.
 */
int query_label_known(const struct query_env *env, const char *label,
		      const struct query_limits *lim, char *near, size_t len);

#define SELECTOR_LABELS_MAX 32
/* Labels that the selector's matchers look at, without repetition: their number. */
uint32_t selector_labels(const struct selector *s, const char **ret, uint32_t max);

#endif
