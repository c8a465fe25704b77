// SPDX-License-Identifier: GPL-2.0
/*
 * Regular expressions from URLs. PCRE2's limits bound the steps of one match
 * (a catastrophic pattern costs about a millisecond and then fails the query);
 * the JIT is not used: it would need memory both writable and executable.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <string.h>

#include "query/selector.h"

#define MATCH_LIMIT    100000
#define DEPTH_LIMIT    10000
#define HEAP_LIMIT_KIB 4096

int regex_compile(void **ret, const char *text, uint32_t flags, char *err, size_t errlen)
{
	/* NO_AUTO_CAPTURE: groups need not be kept; DOTALL as in Prometheus */
	const uint32_t always = PCRE2_DOTALL | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF |
				PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_BACKSLASH_C;
	PCRE2_UCHAR cause[160] = "";
	PCRE2_SIZE at;
	int code;

	if (strlen(text) > SELECTOR_MAX_PATTERN) {
		snprintf(err, errlen, "regular expression longer than %d bytes",
			 SELECTOR_MAX_PATTERN);
		return -EINVAL;
	}
	*ret = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, flags | always, &code, &at,
			     NULL);
	if (*ret)
		return 0;
	if (code == PCRE2_ERROR_NOMEMORY || code == 121) /* 121: ERR21, no memory in compile */
		return -ENOMEM;
	pcre2_get_error_message(code, cause, sizeof(cause));
	snprintf(err, errlen, "regular expression, its byte %zu: %s", (size_t)at + 1,
		 (const char *)cause);
	return -EINVAL;
}

int regex_test(const void *re, const char *text)
{
	pcre2_match_context *ctx = pcre2_match_context_create(NULL);
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	int r = PCRE2_ERROR_NOMEMORY;

	if (ctx && data) {
		pcre2_set_match_limit(ctx, MATCH_LIMIT);
		pcre2_set_depth_limit(ctx, DEPTH_LIMIT);
		pcre2_set_heap_limit(ctx, HEAP_LIMIT_KIB);
		r = pcre2_match(re, (PCRE2_SPTR)text, strlen(text), 0, 0, data, ctx);
	}
	pcre2_match_data_free(data);
	pcre2_match_context_free(ctx);
	switch (r) {
	case PCRE2_ERROR_MATCHLIMIT:
	case PCRE2_ERROR_DEPTHLIMIT:
	case PCRE2_ERROR_HEAPLIMIT:
		return -ELOOP;
	case PCRE2_ERROR_NOMEMORY:
		return -ENOMEM;
	default:
		return r >= 0;
	}
}
