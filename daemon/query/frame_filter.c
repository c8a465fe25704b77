// SPDX-License-Identifier: GPL-2.0
/* focus, ignore, hide: immutable once parsed, any thread. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "query/frame_filter.h"

#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "query/selector.h"

struct frame_filter {
	void *re;
};

int frame_filter_parse(struct frame_filter **ret, const char *text, char *err, size_t errlen)
{
	struct frame_filter *f;
	int r;

	if (!*text) {
		snprintf(err, errlen, "is empty; allowed: a regular expression");
		return -EINVAL;
	}
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	r = regex_compile(&f->re, text, 0, err, errlen);
	if (r)
		frame_filter_free(f);
	else
		*ret = f;
	return r;
}

void frame_filter_free(struct frame_filter *f)
{
	if (!f)
		return;
	pcre2_code_free(f->re);
	free(f);
}

int frame_filter_test(const struct frame_filter *f, const struct tree_func *func)
{
	int r;

	if (!f)
		return 0;
	r = regex_test(f->re, func->name);
	if (!r)
		r = regex_test(f->re, func->object);
	if (!r && *func->file)
		r = regex_test(f->re, func->file);
	return r;
}
