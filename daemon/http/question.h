/* SPDX-License-Identifier: GPL-2.0 */
/* What /api/v1/profile was asked, read from its parameters. */
#ifndef RINGPROF_HTTP_QUESTION_H
#define RINGPROF_HTTP_QUESTION_H

#include "http/api.h"

struct question;

/* what a format takes beside the range, the selector and inlines */
enum { TAKES_SHAPE = 1, TAKES_GROUPS = 2, TAKES_STEPS = 4, TAKES_BUSIEST = 8 };

struct format {
	const char *name, *type, *file;
	unsigned int takes;
	uint32_t max_nodes; /* default */
	/* writes the whole answer; 0 or -errno */
	int (*write)(const struct question *q, struct sink out);
};

struct question {
	struct request *req;
	const struct format *format;
	struct query_input in;
	struct query_env env; /* its view is what was asked */
	struct query_limits limits;
	uint64_t max_nodes, max_points, max_groups;
	bool text; /* top for people */
	struct api_words groups;
	struct categories *categories;		    /* a reference, NULL: the built-in ones */
	struct frame_filter *focus, *ignore, *hide; /* view has them too */
};

/* the table of formats, name NULL at its end; the first is the default (api_profile.c) */
extern const struct format api_formats[];

/* Fills q (its req is set) and req->selector; err as api_selector. Free in any case. */
int question_read(struct question *q, char *err, size_t errlen);
void question_free(struct question *q);

#endif
