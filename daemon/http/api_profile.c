// SPDX-License-Identifier: GPL-2.0
/*
 * /api/v1/profile: a range of the history, in any format. Worker of the heavy
 * lane. question.c reads what was asked.
 */
#include <errno.h>
#include <string.h>

#include "http/events.h"
#include "http/question.h"

#define NODES_DEFAULT 65536 /* of a flame graph; the other formats are whole unless asked */
#define TOP_DEFAULT   1000

static int ask_tree(const struct question *q, struct tree **t)
{
	return query_tree(&q->env, &q->in, q->req->selector, &q->limits, t);
}

static int write_flamegraph(const struct question *q, struct sink out)
{
	struct tree *t = NULL;
	int r = ask_tree(q, &t);
	bool cut = !r && q->max_nodes && t->n_nodes > q->max_nodes;

	if (cut)
		r = tree_cut(t, (uint32_t)q->max_nodes);
	if (!r)
		r = export_flamegraph(t, cut, out);
	tree_free(t);
	return r;
}

static int write_folded(const struct question *q, struct sink out)
{
	struct tree *t = NULL;
	int r = ask_tree(q, &t);

	if (!r)
		r = tree_cut(t, (uint32_t)q->max_nodes);
	if (!r)
		r = export_folded(t, out);
	tree_free(t);
	return r;
}

static int write_speedscope(const struct question *q, struct sink out)
{
	struct tree *t = NULL;
	int r = ask_tree(q, &t);

	if (!r)
		r = tree_cut(t, (uint32_t)q->max_nodes);
	if (!r)
		r = export_speedscope(t, NULL, out);
	tree_free(t);
	return r;
}

/* Of the whole tree: a cut before would move self time to the wrong rows. */
static int write_top(const struct question *q, struct sink out)
{
	struct tree *t = NULL;
	int r = ask_tree(q, &t);

	if (!r)
		r = export_top(t, !q->text, (uint32_t)q->max_nodes, out);
	tree_free(t);
	return r;
}

static int write_pprof(const struct question *q, struct sink out)
{
	const struct pprof_options opt = { 0 };

	return export_pprof(&q->env, &q->in, q->req->selector, &opt, &q->limits, out);
}

static int write_perf_script(const struct question *q, struct sink out)
{
	return export_perf_script(&q->env, &q->in, q->req->selector, &q->limits, out);
}

static int write_series(const struct question *q, struct sink out)
{
	const struct series_ask ask = { .from = q->in.from,
					.to = q->in.to,
					.step = q->in.step,
					.max_points = (uint32_t)q->max_points,
					.group_by = q->groups.word,
					.n_group_by = q->groups.n,
					.max_groups = (uint32_t)q->max_groups };
	struct buf events = { 0 };
	struct series *s = NULL;
	int r = query_series(&q->env, &ask, q->req->selector, &q->limits, &s);

	if (!r)
		r = events_json(q->env.store, s->from, s->to, &events);
	if (!r)
		r = export_series(s, q->groups.word, q->groups.n,
				  selector_is_samples(q->req->selector), &events, out);
	buf_free(&events);
	series_free(s);
	return r;
}

#define TREES (TAKES_SHAPE | TAKES_GROUPS | TAKES_BUSIEST)

const struct format api_formats[] = {
	{ "flamegraph", "application/json", NULL, TREES, NODES_DEFAULT, write_flamegraph },
	{ "pprof", "application/octet-stream", "profile.pb.gz", TAKES_BUSIEST, 0, write_pprof },
	{ "folded", "text/plain; charset=utf-8", NULL, TREES, 0, write_folded },
	{ "top", "application/json", NULL, TREES, TOP_DEFAULT, write_top },
	{ "speedscope", "application/json", "profile.speedscope.json", TREES, 0, write_speedscope },
	{ "series", "application/json", NULL, TAKES_GROUPS | TAKES_STEPS, 0, write_series },
	{ "perf-script", "text/plain; charset=utf-8", NULL, TAKES_BUSIEST, 0, write_perf_script },
	{ NULL, NULL, NULL, 0, 0, NULL },
};

static int answer(const struct question *q)
{
	/* pprof is a gzip file, not a gzip transfer */
	bool pprof = q->format->write == write_pprof;
	struct answer a;
	int r = answer_begin(&a, q->req, pprof || q->req->gzip);

	if (r)
		return r;
	r = answer_end(&a, q->format->write(q, a.sink));
	if (pprof)
		q->req->reply.compressed = false;
	q->req->reply.vary = true;
	return r;
}

void api_profile(struct request *req)
{
	struct question q = { .req = req };
	char err[API_ERROR];
	int r = question_read(&q, err, sizeof(err));

	if (r) {
		api_refuse(req, r, err);
	} else {
		api_freshen(req, q.in.to);
		r = answer(&q);
		if (r)
			reply_failed(req, r);
		else
			reply_ok(req, q.text ? "text/plain; charset=utf-8" : q.format->type);
		if (!r && q.format->file)
			reply_header(&req->reply, "Content-Disposition",
				     "attachment; filename=\"%s\"", q.format->file);
	}
	question_free(&q);
}
