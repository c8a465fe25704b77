// SPDX-License-Identifier: GPL-2.0
/*
 * /pyroscope/render, render-diff, label-values: the older JSON interface that
 * scripts of Pyroscope's users call. Parameters that are not known are passed
 * over, as that interface does.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "http/api.h"
#include "http/flamebearer.h"
#include "query/series.h"

#define DEFAULT_RANGE_NS (3600 * NSEC_PER_SEC)
#define NODES_DEFAULT	 8192
#define NODES_MAX	 1048576
#define TIMELINE_POINTS	 1500

struct side {
	struct query_input in;
	struct selector *sel;
	struct tree *tree;
};

static void side_free(struct side *s)
{
	selector_free(s->sel);
	tree_free(s->tree);
}

static int ask_side(struct request *req, const char *query, const char *from, const char *until,
		    struct side *ret, char *err, size_t errlen)
{
	const struct query_limits lim = api_limits(req);
	const char *text = params_get(&req->params, query);
	char cause[256] = "";
	int r;

	if (!text) {
		snprintf(err, errlen, "%s: is missing", query);
		return -EINVAL;
	}
	r = selector_parse(&ret->sel, text, cause, sizeof(cause));
	if (r == -EINVAL)
		snprintf(err, errlen, "%s: %s", query, cause);
	if (!r)
		r = api_range(req, from, until, DEFAULT_RANGE_NS, &ret->in.from, &ret->in.to, err,
			      errlen);
	if (r)
		return r;
	api_freshen(req, ret->in.to);
	return query_tree(&req->srv->env.query, &ret->in, ret->sel, &lim, &ret->tree);
}

static int max_nodes(struct request *req, uint32_t *ret, char *err, size_t errlen)
{
	const char *key = params_get(&req->params, "maxNodes") ? "maxNodes" : "max-nodes";
	uint64_t n;
	int r = params_number(&req->params, key, 0, NODES_MAX, NODES_DEFAULT, &n, err, errlen);

	*ret = (uint32_t)n;
	return r;
}

static void put_flamebearer(struct buf *b, const struct flamebearer *f, uint64_t ticks)
{
	buf_puts(b, "{\"version\":1,\"flamebearer\":{\"names\":[");
	for (uint32_t i = 0; i < f->n_names; i++) {
		if (i)
			buf_putc(b, ',');
		buf_json_string(b, f->names[i]);
	}
	buf_puts(b, "],\"levels\":[");
	for (uint32_t i = 0, at = 0; i < f->n_levels; i++) {
		buf_puts(b, i ? ",[" : "[");
		for (const char *sep = ""; at < f->level_end[i]; at++)
			for (uint32_t k = 0; k < f->bar; k++, sep = ",")
				buf_printf(b, "%s%" PRId64, sep,
					   f->values[(size_t)at * f->bar + k]);
		buf_putc(b, ']');
	}
	buf_printf(b, "],\"numTicks\":%" PRIu64 ",\"maxSelf\":%" PRId64 "}", ticks, f->max_self);
}

/* ticks are ns, or samples: the rate says how many make a second */
static void put_metadata(struct buf *b, const struct tree *t, const char *format)
{
	uint64_t rate = !t->in_samples ? NSEC_PER_SEC : t->period ? NSEC_PER_SEC / t->period : 0;

	buf_printf(b,
		   ",\"metadata\":{\"format\":\"%s\",\"spyName\":\"\",\"sampleRate\":%" PRIu64
		   ",\"units\":\"samples\",\"name\":\"%s\"}",
		   format, rate, t->in_samples ? "samples" : "cpu");
}

static int put_timeline(struct request *req, const struct side *s, struct buf *b)
{
	const struct query_limits lim = api_limits(req);
	/* its unit of time is a second: single samples would give finer steps */
	const struct series_ask ask = { .from = s->in.from,
					.to = s->in.to,
					.step = series_step(s->in.to - s->in.from, TIMELINE_POINTS),
					.max_points = TIMELINE_POINTS };
	struct series *line = NULL;
	int r = query_series(&req->srv->env.query, &ask, s->sel, &lim, &line);

	if (r)
		return r;
	buf_printf(b, ",\"timeline\":{\"startTime\":%" PRIu64 ",\"samples\":[",
		   line->from / NSEC_PER_SEC);
	for (uint32_t i = 0; i < line->n_points; i++)
		buf_printf(b, i ? ",%" PRIu64 : "%" PRIu64,
			   s->tree->in_samples ? line->samples[i] : line->weight[i]);
	buf_printf(b, "],\"durationDelta\":%" PRIu64 ",\"watermarks\":null},\"groups\":null}\n",
		   line->step / NSEC_PER_SEC);
	series_free(line);
	return b->err;
}

void pyroscope_render(struct request *req)
{
	const char *format = params_get(&req->params, "format");
	struct buf *b = &req->reply.body;
	struct flamebearer f = { 0 };
	struct side s = { 0 };
	char err[API_ERROR] = "";
	uint32_t nodes;
	int r = max_nodes(req, &nodes, err, sizeof(err));

	if (!r && format && strcmp(format, "json")) {
		snprintf(err, sizeof(err), "format: '%.64s' is not known; allowed: json", format);
		r = -EINVAL;
	}
	if (!r)
		r = ask_side(req, "query", "from", "until", &s, err, sizeof(err));
	if (!r)
		r = tree_cut(s.tree, nodes);
	if (!r)
		r = flamebearer_make(&f, s.tree);
	if (!r) {
		put_flamebearer(b, &f, s.tree->nodes[0].total);
		put_metadata(b, s.tree, "single");
		r = put_timeline(req, &s, b);
	}
	if (r)
		api_refuse(req, r, err);
	else
		api_finish(req);
	flamebearer_free(&f);
	side_free(&s);
}

static int compare(const struct side *left, const struct side *right, uint32_t nodes,
		   struct diff **d, struct flamebearer *f, char *err, size_t errlen)
{
	const struct diff_scale scale = { .mode = DIFF_SHARE };
	int r;

	if (selector_is_samples(left->sel) != selector_is_samples(right->sel)) {
		snprintf(err, errlen, "rightQuery: has another profile type than leftQuery");
		return -EINVAL;
	}
	r = diff_trees(left->tree, right->tree, &scale, d);
	if (!r)
		r = diff_cut(*d, nodes);
	return r ? r : flamebearer_make_diff(f, *d);
}

void pyroscope_render_diff(struct request *req)
{
	struct buf *b = &req->reply.body;
	struct side left = { 0 }, right = { 0 };
	struct flamebearer f = { 0 };
	struct diff *d = NULL;
	char err[API_ERROR] = "";
	uint32_t nodes;
	int r = max_nodes(req, &nodes, err, sizeof(err));

	if (!r)
		r = ask_side(req, "leftQuery", "leftFrom", "leftUntil", &left, err, sizeof(err));
	if (!r)
		r = ask_side(req, "rightQuery", "rightFrom", "rightUntil", &right, err,
			     sizeof(err));
	if (!r)
		r = compare(&left, &right, nodes, &d, &f, err, sizeof(err));
	if (r) {
		api_refuse(req, r, err);
	} else {
		const struct diff_node *n = &d->nodes[0];

		put_flamebearer(b, &f, n->a_total + n->b_total);
		put_metadata(b, left.tree, "double");
		buf_printf(b, ",\"leftTicks\":%" PRIu64 ",\"rightTicks\":%" PRIu64 "}\n",
			   n->a_total, n->b_total);
		api_finish(req);
	}
	flamebearer_free(&f);
	diff_free(d);
	side_free(&left);
	side_free(&right);
}

void pyroscope_label_values(struct request *req)
{
	const struct query_limits lim = api_limits(req);
	const char *label = params_get(&req->params, "label");
	struct label_ask ask = { .all_hosts = label && label_is_host(label_alias(label)) };
	struct label_sets *sets = NULL;
	cleanup_free const char **words = NULL;
	uint32_t n = 0;
	char err[API_ERROR] = "";
	int r = api_range(req, "from", "until", 24 * 3600 * NSEC_PER_SEC, &ask.from, &ask.to, err,
			  sizeof(err));

	if (!r && !label) {
		snprintf(err, sizeof(err), "label: is missing");
		r = -EINVAL;
	}
	if (!r)
		r = query_label_sets(&req->srv->env.query, &ask, &lim, &sets);
	if (!r)
		r = label_sets_words(sets, label_alias(label), &words, &n);
	if (r) {
		api_refuse(req, r, err);
	} else {
		buf_putc(&req->reply.body, '[');
		for (uint32_t i = 0; i < n; i++) {
			if (i)
				buf_putc(&req->reply.body, ',');
			buf_json_string(&req->reply.body, words[i]);
		}
		buf_puts(&req->reply.body, "]\n");
		api_finish(req);
	}
	label_sets_free(sets);
}
