// SPDX-License-Identifier: GPL-2.0
/* SelectMergeStacktraces, SelectMergeProfile, SelectSeries. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "http/flamebearer.h"
#include "http/querier.h"

#define NODES_DEFAULT 8192
#define NODES_MAX     1048576
#define MAX_POINTS    2000000U /* of all series: some 60 bytes each until the answer is written */

static int read_selector(struct request *req, const char *type, const char *labels, char *err,
			 size_t errlen)
{
	cleanup_free char *text = NULL;

	if (asprintf(&text, "%s%s", type, labels) < 0)
		return -ENOMEM;
	return selector_parse(&req->selector, text, err, errlen);
}

static int read_merge(struct request *req, const Ringprof__Pprof__QuerierMergeRequest *q,
		      struct query_input *ret, char *err, size_t errlen)
{
	int r = querier_range(q->start, q->end, &ret->from, &ret->to, err, errlen);

	if (!r)
		r = read_selector(req, q->profile_typeid, q->label_selector, err, errlen);
	if (!r)
		api_freshen(req, ret->to);
	return r;
}

/* ---- stacks ---- */

static int copy_names(Ringprof__Pprof__QuerierFlameGraph *g, const struct flamebearer *f)
{
	g->names = calloc(f->n_names, sizeof(*g->names));
	if (!g->names)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->n_names; i++) {
		g->names[i] = strdup(f->names[i]);
		if (!g->names[i])
			return -ENOMEM;
		g->n_names++;
	}
	return 0;
}

static int copy_levels(Ringprof__Pprof__QuerierFlameGraph *g, const struct flamebearer *f)
{
	g->levels = calloc(f->n_levels, sizeof(*g->levels));
	if (!g->levels)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->n_levels; i++) {
		Ringprof__Pprof__QuerierLevel *l =
			(void *)pb_new(&ringprof__pprof__querier_level__descriptor);
		size_t n = (f->level_end[i] - (i ? f->level_end[i - 1] : 0)) * FLAMEBEARER_BAR;

		if (!l)
			return -ENOMEM;
		g->levels[g->n_levels++] = l;
		l->values = malloc(n * sizeof(*l->values));
		if (!l->values)
			return -ENOMEM;
		l->n_values = n;
		memcpy(l->values,
		       f->values + (size_t)(i ? f->level_end[i - 1] : 0) * FLAMEBEARER_BAR,
		       n * sizeof(*l->values));
	}
	return 0;
}

static int fill_graph(Ringprof__Pprof__QuerierMergeResponse *o, const struct tree *t)
{
	struct flamebearer f;
	int r = flamebearer_make(&f, t);

	if (r)
		return r;
	o->flamegraph = (void *)pb_new(&ringprof__pprof__querier_flame_graph__descriptor);
	r = o->flamegraph ? copy_names(o->flamegraph, &f) : -ENOMEM;
	if (!r)
		r = copy_levels(o->flamegraph, &f);
	if (!r) {
		o->flamegraph->total = (int64_t)t->nodes[0].total;
		o->flamegraph->max_self = f.max_self;
	}
	flamebearer_free(&f);
	return r;
}

int querier_stacktraces(struct request *req, const ProtobufCMessage *in, ProtobufCMessage *out,
			char *err, size_t errlen)
{
	const Ringprof__Pprof__QuerierMergeRequest *q = (const void *)in;
	const struct query_limits lim = api_limits(req);
	int64_t nodes = q->max_nodes > 0 ? q->max_nodes : NODES_DEFAULT;
	struct query_input input = { 0 };
	struct tree *t = NULL;
	int r = read_merge(req, q, &input, err, errlen);

	if (!r)
		r = query_tree(&req->srv->env.query, &input, req->selector, &lim, &t);
	if (!r)
		r = tree_cut(t, (uint32_t)(nodes < NODES_MAX ? nodes : NODES_MAX));
	/* nothing found is no graph, not an empty one */
	if (!r && t->nodes[0].total)
		r = fill_graph((void *)out, t);
	tree_free(t);
	return r;
}

int querier_profile(struct request *req, const ProtobufCMessage *in, char *err, size_t errlen)
{
	const struct query_limits lim = api_limits(req);
	const struct pprof_options opt = { 0 };
	struct query_input input = { 0 };
	struct answer a;
	int r = read_merge(req, (const void *)in, &input, err, errlen);

	if (!r)
		r = answer_begin(&a, req, req->gzip);
	if (r)
		return r;
	req->reply.vary = true;
	return answer_end(&a, export_pprof(&req->srv->env.query, &input, req->selector, &opt, &lim,
					   a.sink));
}

/* ---- points ---- */

static int read_points(const Ringprof__Pprof__QuerierPointsRequest *q, struct series_ask *ask,
		       const char **labels, char *err, size_t errlen)
{
	double step = q->step > 0 ? q->step * (double)NSEC_PER_SEC : 0;
	int r = querier_range(q->start, q->end, &ask->from, &ask->to, err, errlen);

	if (r)
		return r;
	if (q->n_group_by > SERIES_MAX_LABELS) {
		snprintf(err, errlen, "group_by: more than %d labels", SERIES_MAX_LABELS);
		return -EINVAL;
	}
	for (size_t i = 0; i < q->n_group_by; i++)
		labels[i] = label_alias(q->group_by[i]);
	ask->group_by = labels;
	ask->n_group_by = (uint32_t)q->n_group_by;
	ask->max_points = SERIES_MAX_POINTS / 2;
	ask->max_groups = q->limit > 0 && q->limit < SERIES_MAX_GROUPS ? (uint32_t)q->limit : 0;
	if (!isfinite(step) || (double)(ask->to - ask->from) / SERIES_MAX_POINTS >= step) {
		if (q->step > 0) {
			snprintf(err, errlen,
				 "step: allowed: so that there are fewer than %d points",
				 SERIES_MAX_POINTS);
			return -EINVAL;
		}
		step = 0;
	}
	ask->step = step < 1e18 ? (uint64_t)step : (uint64_t)1e18;
	return 0;
}

static int copy_labels(Ringprof__Pprof__QuerierPointSeries *s, const struct series_group *g,
		       const struct series_ask *ask)
{
	s->labels = calloc((size_t)ask->n_group_by + 1, sizeof(*s->labels));
	if (!s->labels)
		return -ENOMEM;
	for (uint32_t i = 0; i < ask->n_group_by; i++) {
		if (!*g->values[i])
			continue;
		s->labels[s->n_labels] = querier_pair(ask->group_by[i], g->values[i]);
		if (!s->labels[s->n_labels])
			return -ENOMEM;
		s->n_labels++;
	}
	return 0;
}

/* A point stands at the end of its step; what was not recorded has none. */
static int copy_points(Ringprof__Pprof__QuerierPointSeries *s, const struct series *line,
		       const uint64_t *values, bool mean)
{
	s->points = calloc((size_t)line->n_points + 1, sizeof(*s->points));
	if (!s->points)
		return -ENOMEM;
	for (uint32_t i = 0; i < line->n_points; i++) {
		Ringprof__Pprof__QuerierPoint *p;

		if (!line->covered[i])
			continue;
		p = (void *)pb_new(&ringprof__pprof__querier_point__descriptor);
		if (!p)
			return -ENOMEM;
		s->points[s->n_points++] = p;
		p->timestamp = (int64_t)((line->from + (i + 1) * line->step) / NSEC_PER_MSEC);
		p->value = (double)values[i];
		if (mean) /* of one window's profile */
			p->value *= (double)WINDOW_NS / (double)line->covered[i];
	}
	return 0;
}

static int copy_series(Ringprof__Pprof__QuerierPointsResponse *o, const struct series *line,
		       const struct series_ask *ask, bool samples, bool mean)
{
	o->series = calloc((size_t)line->n_groups + 1, sizeof(*o->series));
	if (!o->series)
		return -ENOMEM;
	for (uint32_t i = 0; i < line->n_groups; i++) {
		const struct series_group *g = &line->groups[i];
		Ringprof__Pprof__QuerierPointSeries *s;

		if (g->other || !g->total_samples)
			continue;
		s = (void *)pb_new(&ringprof__pprof__querier_point_series__descriptor);
		if (!s)
			return -ENOMEM;
		o->series[o->n_series++] = s;
		if (copy_labels(s, g, ask) ||
		    copy_points(s, line, samples ? g->samples : g->weight, mean))
			return -ENOMEM;
	}
	return 0;
}

int querier_points(struct request *req, const ProtobufCMessage *in, ProtobufCMessage *out,
		   char *err, size_t errlen)
{
	const Ringprof__Pprof__QuerierPointsRequest *q = (const void *)in;
	const struct query_limits lim = api_limits(req);
	const char *labels[SERIES_MAX_LABELS];
	struct series_ask ask = { 0 };
	struct series *line = NULL;
	int r = read_points(q, &ask, labels, err, errlen);

	if (!r)
		r = read_selector(req, q->profile_typeid, q->label_selector, err, errlen);
	if (!r) {
		api_freshen(req, ask.to);
		r = query_series(&req->srv->env.query, &ask, req->selector, &lim, &line);
	}
	if (!r && (uint64_t)line->n_groups * line->n_points > MAX_POINTS) {
		snprintf(err, errlen,
			 "%u series of %u points are more than %u in all; ask for a larger step, "
			 "a shorter range or fewer labels in group_by",
			 line->n_groups, line->n_points, MAX_POINTS);
		r = -EINVAL;
	}
	if (!r)
		r = copy_series((void *)out, line, &ask, selector_is_samples(req->selector),
				q->aggregation == 1);
	series_free(line);
	return r;
}
