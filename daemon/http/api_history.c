// SPDX-License-Identifier: GPL-2.0
/*
 * /api/v1/tiers: how far back the history goes and what it holds;
 * /api/v1/pins: ranges that stay whatever the limits.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "http/api.h"

#define MAX_PINS 10000

static bool no_params(struct request *req)
{
	static const char *const none[] = { NULL };
	char err[API_ERROR];

	if (!params_strict(&req->params, none, err, sizeof(err)))
		return true;
	reply_error(req, 400, "%s", err);
	return false;
}

void api_tiers(struct request *req)
{
	struct tier_info tiers[TIER_MAX];
	struct buf *b = &req->reply.body;
	size_t n;

	if (!no_params(req))
		return;
	n = store_tiers(req->srv->env.query.store, tiers, TIER_MAX);
	buf_puts(b, "{\"tiers\":[");
	for (size_t i = 0; i < n; i++) {
		const struct tier_info *t = &tiers[i];

		buf_printf(b, "%s\n{\"name\":", i ? "," : "");
		buf_json_string(b, t->name);
		buf_printf(b, ",\"step_ms\":%" PRIu64 ",\"from_ms\":%" PRIu64 ",\"to_ms\":%" PRIu64,
			   t->step / NSEC_PER_MSEC, t->oldest / NSEC_PER_MSEC,
			   t->newest / NSEC_PER_MSEC);
		buf_printf(b, ",\"bytes\":%" PRIu64 ",\"windows\":%" PRIu64, t->bytes, t->windows);
		buf_printf(b, ",\"max_age_seconds\":%" PRIu64 ",\"guaranteed_bytes\":%" PRIu64 "}",
			   t->max_age / NSEC_PER_SEC, t->guaranteed);
	}
	buf_puts(b, "\n]}\n");
	api_finish(req);
}

/* ---- pins ---- */

struct list {
	struct buf *b;
	unsigned int n;
};

static int put_pin(void *arg, const struct store_pin *p)
{
	struct list *l = arg;

	if (l->n == MAX_PINS)
		return 1;
	buf_printf(l->b, "%s\n{\"id\":%" PRIu64, l->n++ ? "," : "", p->id);
	api_key_text(l->b, "name", p->name);
	api_key_text(l->b, "origin", p->origin);
	buf_printf(l->b, ",\"from_ms\":%" PRIu64 ",\"to_ms\":%" PRIu64 ",\"bytes\":%" PRIu64 "}",
		   p->from / NSEC_PER_MSEC, p->to / NSEC_PER_MSEC, p->bytes);
	return l->b->err;
}

static void list_pins(struct request *req)
{
	struct list l = { .b = &req->reply.body };
	int r;

	if (!no_params(req))
		return;
	buf_puts(l.b, "{\"pins\":[");
	r = store_pins(req->srv->env.query.store, put_pin, &l);
	buf_puts(l.b, "\n]}\n");
	if (r < 0)
		reply_failed(req, r);
	else
		api_finish(req);
}

/* Parameters of a POST: the address's, and a form's as body. */
static int join_form(struct request *req)
{
	const char *type = request_header(req, "Content-Type");

	if (!req->body.len || req->params.n || !type ||
	    strncasecmp(type, "application/x-www-form-urlencoded", 33))
		return 0;
	params_free(&req->params);
	memset(&req->params, 0, sizeof(req->params));
	return params_parse(&req->params, req->body.data);
}

static void add_pin(struct request *req)
{
	static const char *const allowed[] = { "name", "from", "until", NULL };
	const char *name;
	uint64_t from, to, id;
	char err[API_ERROR] = "";
	int r = join_form(req);

	if (!r)
		r = params_strict(&req->params, allowed, err, sizeof(err));
	if (!r)
		r = api_range(req, "from", "until", 300 * NSEC_PER_SEC, &from, &to, err,
			      sizeof(err));
	name = params_get(&req->params, "name");
	if (!r && (!name || !*name || !params_get(&req->params, "from"))) {
		snprintf(err, sizeof(err), "%s: is missing; a pin wants name, from and until",
			 name && *name ? "from" : "name");
		r = -EINVAL;
	}
	if (!r)
		r = store_pin(req->srv->env.query.store, from, to, name, &id, err, sizeof(err));
	if (r) {
		api_refuse_store(req, r, err);
		return;
	}
	buf_printf(&req->reply.body, "{\"id\":%" PRIu64 "}\n", id);
	api_finish(req);
}

static void drop_pin(struct request *req)
{
	static const char *const allowed[] = { "id", NULL };
	uint64_t id = 0;
	char err[API_ERROR] = "";
	int r = params_strict(&req->params, allowed, err, sizeof(err));

	if (!r)
		r = params_number(&req->params, "id", 0, INT64_MAX, 0, &id, err, sizeof(err));
	if (!r && !params_get(&req->params, "id")) {
		snprintf(err, sizeof(err), "id: is missing; allowed: what /api/v1/pins tells");
		r = -EINVAL;
	}
	if (!r)
		r = store_unpin(req->srv->env.query.store, id);
	if (r == -ENOENT)
		reply_error(req, 404, "id: there is no pin %" PRIu64, id);
	else if (r)
		api_refuse(req, r, err);
	else
		buf_puts(&req->reply.body, "{}\n");
	if (!r)
		api_finish(req);
}

void api_pins(struct request *req)
{
	if (req->method == M_POST)
		add_pin(req);
	else if (req->method == M_DELETE)
		drop_pin(req);
	else
		list_pins(req);
}
