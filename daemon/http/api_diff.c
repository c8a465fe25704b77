// SPDX-License-Identifier: GPL-2.0
/*
 * /api/v1/diff: two of (selector, range), compared. Worker of the heavy lane.
 * Parameters of the base begin with a_, those of the head with b_.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "export/diff_export.h"
#include "http/api.h"

#define DEFAULT_RANGE_NS (3600 * NSEC_PER_SEC)
#define MAX_NODES	 1048576
#define NODES_DEFAULT	 65536
#define ROWS_DEFAULT	 1000

enum diff_format { FORMAT_FLAMEGRAPH, FORMAT_TABLE, FORMAT_PPROF, N_FORMATS };

static const struct {
	const char *name, *type;
	uint32_t max_nodes; /* default */
} formats[N_FORMATS] = {
	[FORMAT_FLAMEGRAPH] = { "flamegraph", "application/json", NODES_DEFAULT },
	[FORMAT_TABLE] = { "table", "application/json", ROWS_DEFAULT },
	[FORMAT_PPROF] = { "pprof", "application/octet-stream", 0 },
};

struct diff_side_ask {
	struct query_input in;
	struct selector *sel;
	struct tree *tree;
};

struct diff_ask {
	struct request *req;
	enum diff_format format;
	uint64_t max_nodes;
	bool mode_given;
	struct diff_scale scale;
	struct diff_side_ask a, b;
	struct query_env env;
};

static int read_format(struct diff_ask *q, char *err, size_t errlen)
{
	const char *name = params_get(&q->req->params, "format");
	int i = 0;

	while (name && i < N_FORMATS && strcmp(formats[i].name, name) != 0)
		i++;
	if (i == N_FORMATS) {
		snprintf(err, errlen,
			 "format: '%.64s' is not known; allowed: flamegraph, table, pprof", name);
		return -EINVAL;
	}
	q->format = (enum diff_format)i;
	return params_number(&q->req->params, "max_nodes", 0, MAX_NODES, formats[i].max_nodes,
			     &q->max_nodes, err, errlen);
}

static int read_work(const struct request *req, const char *key, double *ret, char *err,
		     size_t errlen)
{
	const char *s = params_get(&req->params, key);

	if (!diff_read_work(s, ret) && s) {
		snprintf(err, errlen, "%s: '%.64s'; allowed: " DIFF_WORK_ALLOWED, key, s);
		return -EINVAL;
	}
	return 0;
}

/* by=share, by=cores, or units of work on both sides */
static int read_scale(struct diff_ask *q, char *err, size_t errlen)
{
	const char *by = params_get(&q->req->params, "by");
	int r = read_work(q->req, "a_work", &q->scale.a_work, err, errlen);

	if (!r)
		r = read_work(q->req, "b_work", &q->scale.b_work, err, errlen);
	if (r)
		return r;
	if (!q->scale.a_work != !q->scale.b_work || (by && q->scale.a_work > 0)) {
		snprintf(err, errlen, "a_work, b_work: allowed: both, and without by");
		return -EINVAL;
	}
	if (by && strcmp(by, "share") && strcmp(by, "cores")) {
		snprintf(err, errlen, "by: '%.64s'; allowed: cores, share", by);
		return -EINVAL;
	}
	q->mode_given = by || q->scale.a_work > 0;
	q->scale.mode = q->scale.a_work > 0	     ? DIFF_WORK
			: by && !strcmp(by, "share") ? DIFF_SHARE
						     : DIFF_RATE;
	return 0;
}

static int read_side(struct diff_ask *q, struct diff_side_ask *side, const char *query,
		     const char *from, const char *until, char *err, size_t errlen)
{
	int r = api_range(q->req, from, until, DEFAULT_RANGE_NS, &side->in.from, &side->in.to, err,
			  errlen);

	return r ? r : api_selector(q->req, query, &side->sel, err, errlen);
}

static int read_ask(struct diff_ask *q, char *err, size_t errlen)
{
	static const char *const allowed[] = { "a_query", "a_from",  "a_until", "b_query",
					       "b_from",  "b_until", "format",	"max_nodes",
					       "by",	  "a_work",  "b_work",	"inlines",
					       NULL };
	uint64_t inlines = 1;
	int r = params_strict(&q->req->params, allowed, err, errlen);

	if (!r)
		r = read_format(q, err, errlen);
	if (!r)
		r = read_scale(q, err, errlen);
	if (!r)
		r = params_number(&q->req->params, "inlines", 0, 1, 1, &inlines, err, errlen);
	if (!r)
		r = read_side(q, &q->a, "a_query", "a_from", "a_until", err, errlen);
	if (!r)
		r = read_side(q, &q->b, "b_query", "b_from", "b_until", err, errlen);
	if (!r && selector_is_samples(q->a.sel) != selector_is_samples(q->b.sel)) {
		snprintf(err, errlen,
			 "b_query: counts another type than a_query; allowed: the "
			 "same");
		r = -EINVAL;
	}
	q->env = q->req->srv->env.query;
	q->env.view.no_inlines = !inlines;
	return r;
}

static int ask_side(const struct diff_ask *q, struct diff_side_ask *side)
{
	const struct query_limits lim = api_limits(q->req);

	return query_tree(&q->env, &side->in, side->sel, &lim, &side->tree);
}

static int write_diff(const struct diff_ask *q, struct diff *d, struct sink out)
{
	bool cut = q->max_nodes && d->n_nodes > q->max_nodes;
	int r;

	if (q->format == FORMAT_TABLE)
		return export_diff_table(d, (uint32_t)q->max_nodes, out);
	r = diff_cut(d, (uint32_t)q->max_nodes);
	if (r)
		return r;
	return q->format == FORMAT_PPROF ? export_diff_pprof(d, out)
					 : export_diff_flamegraph(d, cut, out);
}

static int compare(struct diff_ask *q, struct diff **ret)
{
	int r = ask_side(q, &q->a);

	if (!r)
		r = ask_side(q, &q->b);
	if (r)
		return r;
	if (!q->mode_given)
		q->scale.mode = diff_mode_for(q->a.tree, q->b.tree, true);
	return diff_trees(q->a.tree, q->b.tree, &q->scale, ret);
}

static int answer(struct diff_ask *q)
{
	bool pprof = q->format == FORMAT_PPROF;
	struct diff *d = NULL;
	struct answer a;
	int r = compare(q, &d);

	if (!r)
		r = answer_begin(&a, q->req, pprof || q->req->gzip);
	if (!r) {
		r = answer_end(&a, write_diff(q, d, a.sink));
		/* pprof is a gzip file, not a gzip transfer */
		if (pprof)
			q->req->reply.compressed = false;
		q->req->reply.vary = true;
	}
	diff_free(d);
	return r;
}

void api_diff(struct request *req)
{
	struct diff_ask q = { .req = req };
	char err[API_ERROR];
	int r = read_ask(&q, err, sizeof(err));

	if (r) {
		api_refuse(req, r, err);
	} else {
		api_freshen(req, q.a.in.to > q.b.in.to ? q.a.in.to : q.b.in.to);
		r = answer(&q);
		if (r)
			reply_failed(req, r);
		else
			reply_ok(req, formats[q.format].type);
		if (!r && q.format == FORMAT_PPROF)
			reply_header(&req->reply, "Content-Disposition",
				     "attachment; filename=\"diff.pb.gz\"");
	}
	selector_free(q.a.sel);
	selector_free(q.b.sel);
	tree_free(q.a.tree);
	tree_free(q.b.tree);
}
