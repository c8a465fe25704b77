/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Query parameters: decoding, and the two ways of reading them. /debug/pprof
 * reads as Go does (first value counts, what is unknown or broken is passed
 * over); /api is strict (what it does not know is an error that names it).
 * Pure functions.
 */
#ifndef RINGPROF_HTTP_PARAMS_H
#define RINGPROF_HTTP_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARAMS_MAX	       64
#define PARAMS_DEFAULT_SECONDS 30

struct param {
	const char *key, *value; /* decoded */
};

struct url_params {
	struct param p[PARAMS_MAX];
	size_t n;
	unsigned int broken; /* pairs left out: bad %-escape, NUL inside, ';', or too many */
	char *text;	     /* what p points into */
};

/* Decodes "a=b&c=d"; NULL is "". 0 or -ENOMEM. Free with params_free. */
int params_parse(struct url_params *p, const char *query);
void params_free(struct url_params *p);

/* First value of key, NULL if it is not there. */
const char *params_get(const struct url_params *p, const char *key);

/*
 * allowed: list of keys, NULL at its end. 0, or -EINVAL with err naming what is
 * unknown, given twice or broken, and what is allowed.
 */
int params_strict(const struct url_params *p, const char *const *allowed, char *err, size_t errlen);

/* seconds= as Go's profile handler reads it: missing, unreadable or below 1 is 30. */
int64_t params_seconds(const struct url_params *p);

/*
 * Decimal number between min and max into *ret; def when the key is missing.
 * 0, or -EINVAL with err "KEY: 'VALUE' is not a number; allowed: MIN to MAX".
 */
int params_number(const struct url_params *p, const char *key, uint64_t min, uint64_t max,
		  uint64_t def, uint64_t *ret, char *err, size_t errlen);

/* Does this Accept-Encoding (may be NULL) take gzip? */
bool accepts_gzip(const char *accept_encoding);
/* Does this Accept (may be NULL) name text/plain before application/json? */
bool accepts_text(const char *accept);

#endif
