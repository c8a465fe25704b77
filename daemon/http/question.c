// SPDX-License-Identifier: GPL-2.0
/* Parameters of /api/v1/profile. What a format cannot do is refused, not passed over. */
#include "http/question.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/config.h"
#include "query/category.h"

#define DEFAULT_RANGE_NS (300 * NSEC_PER_SEC)
#define MAX_NODES	 1048576
#define POINTS_DEFAULT	 300
#define GROUPS_DEFAULT	 50

static const struct {
	const char *key;
	unsigned int wants;
} parameters[] = {
	{ "query", 0 },
	{ "from", 0 },
	{ "until", 0 },
	{ "format", 0 },
	{ "max_nodes", 0 },
	{ "text", 0 },
	{ "inlines", 0 },
	{ "lines", TAKES_SHAPE },
	{ "merge", TAKES_SHAPE },
	{ "focus", TAKES_SHAPE },
	{ "ignore", TAKES_SHAPE },
	{ "hide", TAKES_SHAPE },
	{ "invert", TAKES_SHAPE },
	{ "group_by", TAKES_GROUPS },
	{ "busiest", TAKES_BUSIEST },
	{ "step", TAKES_STEPS },
	{ "max_points", TAKES_STEPS },
	{ "max_groups", TAKES_STEPS },
};

static void format_names(struct buf *b, unsigned int taking)
{
	const char *sep = "";

	for (const struct format *f = api_formats; f->name; f++) {
		if ((f->takes & taking) != taking)
			continue;
		buf_printf(b, "%s%s", sep, f->name);
		sep = ", ";
	}
}

/* "PREFIX; allowed: flamegraph, ..." */
static int refuse_format(const char *what, const char *value, unsigned int taking, char *err,
			 size_t errlen)
{
	struct buf names = { 0 };

	format_names(&names, taking);
	snprintf(err, errlen, "%s'%.64s'%s; allowed: %s", what, value,
		 taking ? " does not go with this format" : " is not known",
		 names.data ? names.data : "");
	buf_free(&names);
	return -EINVAL;
}

static int read_names(struct question *q, char *err, size_t errlen)
{
	const char *allowed[ARRAY_SIZE(parameters) + 1] = { NULL };
	const char *name = params_get(&q->req->params, "format");
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++)
		allowed[i] = parameters[i].key;
	r = params_strict(&q->req->params, allowed, err, errlen);
	if (r)
		return r;
	for (q->format = api_formats; name && q->format->name; q->format++)
		if (!strcmp(q->format->name, name))
			break;
	if (!q->format->name)
		return refuse_format("format: ", name, 0, err, errlen);
	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++)
		if ((q->format->takes & parameters[i].wants) != parameters[i].wants &&
		    params_get(&q->req->params, parameters[i].key))
			return refuse_format("parameter ", parameters[i].key, parameters[i].wants,
					     err, errlen);
	return 0;
}

static int read_text(struct question *q, char *err, size_t errlen)
{
	const char *text = params_get(&q->req->params, "text");
	bool top = !strcmp(q->format->name, "top");

	if (text && (!top || (strcmp(text, "0") && strcmp(text, "1")))) {
		snprintf(err, errlen, "text: allowed: 0 or 1, with format=top");
		return -EINVAL;
	}
	q->text = top && (text ? *text == '1' : accepts_text(request_header(q->req, "Accept")));
	return params_number(&q->req->params, "max_nodes", 0, MAX_NODES, q->format->max_nodes,
			     &q->max_nodes, err, errlen);
}

static int read_merge(struct question *q, char *err, size_t errlen)
{
	static const char *const names[] = { [MERGE_FUNCTION] = "function",
					     [MERGE_LINE] = "line",
					     [MERGE_ADDRESS] = "address",
					     [MERGE_BINARY] = "binary",
					     [MERGE_CATEGORY] = "category" };
	const char *merge = params_get(&q->req->params, "merge");
	uint64_t lines;
	size_t i;
	int r = params_number(&q->req->params, "lines", 0, 1, 0, &lines, err, errlen);

	if (r)
		return r;
	q->env.view.merge = lines ? MERGE_LINE : MERGE_FUNCTION;
	if (!merge)
		return 0;
	for (i = 0; i < ARRAY_SIZE(names) && strcmp(names[i], merge) != 0; i++)
		;
	if (i == ARRAY_SIZE(names) || (lines && i != MERGE_LINE)) {
		snprintf(err, errlen,
			 "merge: '%.64s'%s; allowed: function, line, address, binary, category",
			 merge, lines ? " contradicts lines=1" : " is not known");
		return -EINVAL;
	}
	q->env.view.merge = (enum merge_by)i;
	if (i == MERGE_CATEGORY)
		q->categories = http_categories(q->req->srv);
	q->env.view.categories = q->categories;
	return 0;
}

static int read_filter(struct question *q, const char *key, struct frame_filter **ret, char *err,
		       size_t errlen)
{
	const char *text = params_get(&q->req->params, key);
	char cause[256] = "";
	int r = text ? frame_filter_parse(ret, text, cause, sizeof(cause)) : 0;

	if (r == -EINVAL)
		snprintf(err, errlen, "%s: %s", key, cause);
	return r;
}

static int read_shape(struct question *q, char *err, size_t errlen)
{
	struct query_view *v = &q->env.view;
	uint64_t inlines = 1, invert = 0;
	int r = params_number(&q->req->params, "inlines", 0, 1, 1, &inlines, err, errlen);

	if (!r)
		r = params_number(&q->req->params, "invert", 0, 1, 0, &invert, err, errlen);
	if (!r)
		r = read_merge(q, err, errlen);
	if (!r)
		r = read_filter(q, "focus", &q->focus, err, errlen);
	if (!r)
		r = read_filter(q, "ignore", &q->ignore, err, errlen);
	if (!r)
		r = read_filter(q, "hide", &q->hide, err, errlen);
	v->no_inlines = !inlines;
	v->invert = invert;
	v->focus = q->focus;
	v->ignore = q->ignore;
	v->hide = q->hide;
	return r;
}

static int read_busiest(struct question *q, char *err, size_t errlen)
{
	const char *s = params_get(&q->req->params, "busiest");
	char *end;
	double v;

	if (!s)
		return 0;
	v = strtod(s, &end);
	if (!isdigit((unsigned char)*s) || *end != '%' || end[1] || !(v > 0 && v <= 100)) {
		snprintf(err, errlen,
			 "busiest: '%.64s'; allowed: a part of the windows, 1%% to 100%%", s);
		return -EINVAL;
	}
	q->in.busiest = v / 100;
	return 0;
}

static int read_steps(struct question *q, char *err, size_t errlen)
{
	const char *step = params_get(&q->req->params, "step");
	int r = params_number(&q->req->params, "max_points", 2, SERIES_MAX_POINTS, POINTS_DEFAULT,
			      &q->max_points, err, errlen);

	if (!r)
		r = params_number(&q->req->params, "max_groups", 1, SERIES_MAX_GROUPS,
				  GROUPS_DEFAULT, &q->max_groups, err, errlen);
	if (r || !step || !strcmp(step, "auto"))
		return r;
	if (parse_duration(step, &q->in.step) || q->in.step < NSEC_PER_MSEC ||
	    (q->in.to - q->in.from) / q->in.step >= SERIES_MAX_POINTS - 1) {
		snprintf(err, errlen,
			 "step: '%.64s'; allowed: auto, or a time like 10s, 50ms of at least 1ms, "
			 "so that there are at most %d points",
			 step, SERIES_MAX_POINTS);
		return -EINVAL;
	}
	return 0;
}

int question_read(struct question *q, char *err, size_t errlen)
{
	int r = read_names(q, err, errlen);

	q->env = q->req->srv->env.query;
	q->limits = api_limits(q->req);
	if (!r)
		r = read_text(q, err, errlen);
	if (!r)
		r = api_range(q->req, "from", "until", DEFAULT_RANGE_NS, &q->in.from, &q->in.to,
			      err, errlen);
	if (!r)
		r = read_shape(q, err, errlen);
	if (!r)
		r = read_busiest(q, err, errlen);
	if (!r)
		r = read_steps(q, err, errlen);
	if (!r)
		r = api_selector(q->req, "query", &q->req->selector, err, errlen);
	if (!r)
		r = api_labels(q->req, "group_by", &q->groups, err, errlen);
	q->env.view.group_by = q->groups.word;
	q->env.view.n_group_by = q->groups.n;
	return r;
}

void question_free(struct question *q)
{
	frame_filter_free(q->focus);
	frame_filter_free(q->ignore);
	frame_filter_free(q->hide);
	categories_unref(q->categories);
	free(q->groups.text);
}
