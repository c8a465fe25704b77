// SPDX-License-Identifier: GPL-2.0
/*
 * /api/v1/profile: a range of the history, in any format. Worker of the heavy
 * lane. Parameters are strict: a misspelt one must not quietly give another
 * profile than was meant.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "http/internal.h"

#define DEFAULT_RANGE_NS (300 * NSEC_PER_SEC)
#define MAX_NODES	 1048576
#define NODES_DEFAULT	 65536 /* of a flame graph; the other formats are whole unless asked */
#define TOP_DEFAULT	 1000
/* the open window is closed for a query that reaches into it, this often at most */
#define FRESH_EVERY_NS NSEC_PER_SEC
#define FRESH_WAIT_NS  (250 * NSEC_PER_MSEC)

struct question;

struct format {
	const char *name, *type, *file;
	uint32_t max_nodes;							 /* default */
	int (*write)(const struct question *q, struct tree *t, struct sink out); /* NULL: pprof */
};

struct question {
	struct request *req;
	const struct format *format;
	uint64_t from, to; /* wall ns */
	uint64_t max_nodes;
	bool text; /* top for people */
	struct query_env env;
	struct query_limits limits;
};

static int write_flamegraph(const struct question *q, struct tree *t, struct sink out)
{
	bool cut = q->max_nodes && t->n_nodes > q->max_nodes;
	int r = cut ? tree_cut(t, (uint32_t)q->max_nodes) : 0;

	return r ? r : export_flamegraph(t, cut, out);
}

static int write_folded(const struct question *q, struct tree *t, struct sink out)
{
	int r = tree_cut(t, (uint32_t)q->max_nodes);

	return r ? r : export_folded(t, out);
}

static int write_speedscope(const struct question *q, struct tree *t, struct sink out)
{
	int r = tree_cut(t, (uint32_t)q->max_nodes);

	return r ? r : export_speedscope(t, NULL, out);
}

/* Of the whole tree: a cut before would move self time to the wrong rows. */
static int write_top(const struct question *q, struct tree *t, struct sink out)
{
	return export_top(t, !q->text, (uint32_t)q->max_nodes, out);
}

static const struct format formats[] = {
	{ "flamegraph", "application/json", NULL, NODES_DEFAULT, write_flamegraph },
	{ "pprof", "application/octet-stream", "profile.pb.gz", 0, NULL },
	{ "folded", "text/plain; charset=utf-8", NULL, 0, write_folded },
	{ "top", "application/json", NULL, TOP_DEFAULT, write_top },
	{ "speedscope", "application/json", "profile.speedscope.json", 0, write_speedscope },
};

static const struct format *find_format(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

static int read_time(const struct request *req, const char *key, uint64_t now, uint64_t *ret,
		     char *err, size_t errlen)
{
	const char *s = params_get(&req->params, key);

	if (!s || !query_time_parse(s, now, ret))
		return 0;
	snprintf(err, errlen,
		 "%s: '%.64s' is not a time; allowed: RFC 3339, unix time in s, ms, us or ns, now, "
		 "now-30s",
		 key, s);
	return -EINVAL;
}

static int read_range(struct question *q, char *err, size_t errlen)
{
	uint64_t now = wall_now();
	int r;

	q->from = now - DEFAULT_RANGE_NS;
	q->to = now;
	r = read_time(q->req, "from", now, &q->from, err, errlen);
	if (!r)
		r = read_time(q->req, "until", now, &q->to, err, errlen);
	if (!r && q->from >= q->to) {
		snprintf(err, errlen,
			 "from: is not before until; allowed: a range that begins "
			 "before it ends");
		r = -EINVAL;
	}
	return r;
}

static int read_format(struct question *q, char *err, size_t errlen)
{
	const char *name = params_get(&q->req->params, "format");
	const char *text = params_get(&q->req->params, "text");
	bool top;

	q->format = find_format(name ? name : "flamegraph");
	if (!q->format) {
		snprintf(err, errlen,
			 "format: '%.64s' is not known; allowed: flamegraph, pprof, folded, top, "
			 "speedscope",
			 name);
		return -EINVAL;
	}
	top = q->format->write == write_top;
	if (text && (!top || (strcmp(text, "0") && strcmp(text, "1")))) {
		snprintf(err, errlen, "text: allowed: 0 or 1, with format=top");
		return -EINVAL;
	}
	q->text = top && (text ? *text == '1' : accepts_text(request_header(q->req, "Accept")));
	return params_number(&q->req->params, "max_nodes", 0, MAX_NODES, q->format->max_nodes,
			     &q->max_nodes, err, errlen);
}

static int read_view(struct question *q, char *err, size_t errlen)
{
	uint64_t inlines, lines;
	int r = params_number(&q->req->params, "inlines", 0, 1, 1, &inlines, err, errlen);

	if (!r)
		r = params_number(&q->req->params, "lines", 0, 1, 0, &lines, err, errlen);
	if (r)
		return r;
	q->env = q->req->srv->env.query;
	q->env.view = (struct query_view){ .no_inlines = !inlines,
					   .merge = lines ? MERGE_LINE : MERGE_FUNCTION };
	return 0;
}

static int read_question(struct question *q, char *err, size_t errlen)
{
	static const char *const allowed[] = { "query", "from",	   "until", "format", "max_nodes",
					       "text",	"inlines", "lines", NULL };
	const char *query = params_get(&q->req->params, "query");
	char cause[256] = "out of memory";
	int r = params_strict(&q->req->params, allowed, err, errlen);

	if (!r)
		r = read_format(q, err, errlen);
	if (!r)
		r = read_range(q, err, errlen);
	if (!r)
		r = read_view(q, err, errlen);
	if (r)
		return r;
	r = selector_parse(&q->req->selector, query ? query : "", cause, sizeof(cause));
	if (r)
		snprintf(err, errlen, "query: %s", cause);
	return r;
}

/*
 * History ends with the last closed window, up to ten seconds ago. A question
 * that reaches past that gets a boundary at this moment; not each one, or
 * impatient readers would chop the history to pieces.
 */
static void freshen(const struct question *q)
{
	struct http_server *s = q->req->srv;
	struct agg *agg = s->env.agg;
	uint64_t now = mono_now();
	uint64_t closed_wall = agg_closed(agg) + (uint64_t)wall_offset();
	bool due;

	if (q->to <= closed_wall)
		return;
	pthread_mutex_lock(&s->lock);
	due = now - s->fresh >= FRESH_EVERY_NS;
	if (due)
		s->fresh = now;
	pthread_mutex_unlock(&s->lock);
	if (!due || agg_cut(agg, now))
		return;
	s->env.kick(s->env.arg);
	/* a late collector only means that the answer ends a little earlier, which it says */
	agg_wait(agg, now, FRESH_WAIT_NS);
}

static int answer_tree(const struct question *q, const struct query_input *in, struct sink out)
{
	struct tree *t = NULL;
	int r = query_tree(&q->env, in, q->req->selector, &q->limits, &t);

	if (!r)
		r = q->format->write(q, t, out);
	tree_free(t);
	return r;
}

static int answer(const struct question *q, const struct query_input *in)
{
	const struct pprof_options opt = { 0 };
	bool pprof = !q->format->write;
	struct answer a;
	int r = answer_begin(&a, q->req, pprof || q->req->gzip);

	if (r)
		return r;
	if (pprof)
		r = export_pprof(&q->env, in, q->req->selector, &opt, &q->limits, a.sink);
	else
		r = answer_tree(q, in, a.sink);
	r = answer_end(&a, r);
	/* pprof is a gzip file, not a gzip transfer */
	if (pprof)
		q->req->reply.compressed = false;
	q->req->reply.vary = true;
	return r;
}

static void ask(struct question *q)
{
	const struct query_input in = { .from = q->from, .to = q->to };
	int r;

	freshen(q);
	r = answer(q, &in);
	if (r) {
		reply_failed(q->req, r);
		return;
	}
	reply_ok(q->req, q->text ? "text/plain; charset=utf-8" : q->format->type);
	if (q->format->file)
		reply_header(&q->req->reply, "Content-Disposition", "attachment; filename=\"%s\"",
			     q->format->file);
}

void api_profile(struct request *req)
{
	struct question q = {
		.req = req,
		.limits = { .max_ns = QUERY_NS, .line_ns = LINE_NS, .cancelled = &req->cancelled }
	};
	char err[512];
	int r = read_question(&q, err, sizeof(err));

	if (r == -ENOMEM)
		reply_failed(req, r);
	else if (r)
		reply_error(req, 400, "%s", err);
	else
		ask(&q);
}
