/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parsed selector, inside the query stage. selector_parse.c builds it,
 * selector.c evaluates it. Immutable once parsed: any number of queries may
 * share one.
 */
#ifndef RINGPROF_QUERY_SELECTOR_H
#define RINGPROF_QUERY_SELECTOR_H

#include "agg/model.h"
#include "query/query.h"

#define SELECTOR_MAX_TEXT     16384
#define SELECTOR_MAX_MATCHERS 32
#define SELECTOR_MAX_PATTERN  4096

/* what a matcher looks at, from the most to the least shared: results are cached at each level */
enum matcher_scope { SCOPE_SERIES, SCOPE_PROC, SCOPE_THREAD, SCOPE_CPU, SCOPE_MAX };

struct matcher {
	enum match_op op;
	enum matcher_scope scope;
	char *key; /* aliases replaced */
	char *value;
	void *re; /* pcre2_code of MATCH_RE and MATCH_NRE */
};

struct selector {
	bool samples;
	uint32_t n;
	struct matcher m[SELECTOR_MAX_MATCHERS];
	bool uses[SCOPE_MAX]; /* some matcher has this scope */
};

/* Makes m->re of m->value; 0, -ENOMEM, or -EINVAL with the cause in err. */
int matcher_compile(struct matcher *m, char *err, size_t errlen);
void matcher_free(struct matcher *m); /* what it points to */
/* A limited match of a compiled expression: 1, 0, -ELOOP (match limit), -ENOMEM. */
int regex_test(const void *re, const char *text);
/* flags beside those all expressions have. 0, -ENOMEM, -EINVAL with "byte N: cause". */
int regex_compile(void **ret, const char *text, uint32_t flags, char *err, size_t errlen);
/* Does the text satisfy the matcher? 1, 0, -ELOOP (match limit), -ENOMEM. */
int matcher_test(const struct matcher *m, const char *text);

/* Results of one selector over one model, remembered per row; used by one thread. */
struct match_cache {
	const struct selector *sel;
	const struct model *model;
	uint8_t *series, *procs, *threads; /* 0 not known, 1 no, 2 yes */
	uint32_t n_series, n_procs, n_threads;
};
struct budget;
/*
 * Room for rows up to counts (as model_counts gives them, taken after the
 * windows were); sel and model are set, the rest 0 at first. 0 or -ENOMEM.
 */
int match_cache_follow(struct match_cache *c, const uint32_t counts[6], struct budget *b);
void match_cache_free(struct match_cache *c);
/* 1, 0; -EBADMSG no such thread, or matcher_test's errors */
int match_thread(struct match_cache *c, uint32_t thread);
/* cpu matchers alone: 1, 0, error */
int match_cpu(const struct selector *sel, uint16_t cpu);

#endif
