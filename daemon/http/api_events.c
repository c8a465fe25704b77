// SPDX-License-Identifier: GPL-2.0
/*
 * /api/v1/events: deploys and notes. GET lists those of a range, POST records
 * one, with JSON or a form as body.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "http/api.h"
#include "http/events.h"

#define DEFAULT_RANGE_NS (24 * 3600 * NSEC_PER_SEC)

struct list {
	struct buf *b;
	unsigned int n;
};

static void put_title(struct buf *b, const struct store_event *e)
{
	struct buf t = { 0 };

	buf_puts(&t, *e->service ? e->service : e->kind);
	if (*e->version)
		buf_printf(&t, " %s", e->version);
	buf_puts(b, ",\"title\":");
	buf_json_string(b, t.data ? t.data : "");
	if (t.err)
		b->err = t.err;
	buf_free(&t);
	buf_puts(b, ",\"tags\":[");
	buf_json_string(b, e->kind);
	if (*e->service) {
		buf_putc(b, ',');
		buf_json_string(b, e->service);
	}
	buf_puts(b, "]}");
}

static int put_event(void *arg, const struct store_event *e)
{
	struct list *l = arg;
	struct buf *b = l->b;

	if (l->n == EVENTS_MAX)
		return 1;
	buf_puts(b, l->n++ ? ",\n" : "\n");
	buf_printf(b, "{\"id\":%" PRIu64, e->id);
	api_key_text(b, "kind", e->kind);
	api_key_text(b, "service", e->service);
	api_key_text(b, "version", e->version);
	api_key_text(b, "git_ref", e->git_ref);
	api_key_text(b, "text", e->text);
	buf_printf(b, ",\"time\":%" PRIu64, e->time / NSEC_PER_MSEC);
	if (e->until)
		buf_printf(b, ",\"timeEnd\":%" PRIu64, e->until / NSEC_PER_MSEC);
	put_title(b, e);
	return b->err;
}

int events_json(struct store *s, uint64_t from, uint64_t to, struct buf *b)
{
	struct list l = { .b = b };
	int r = store_events(s, from, to, put_event, &l);

	return r > 0 ? 0 : r ? r : b->err;
}

static void list_events(struct request *req)
{
	static const char *const allowed[] = { "from", "until", NULL };
	struct buf *b = &req->reply.body;
	uint64_t from, to;
	char err[API_ERROR];
	int r = params_strict(&req->params, allowed, err, sizeof(err));

	if (!r)
		r = api_range(req, "from", "until", DEFAULT_RANGE_NS, &from, &to, err, sizeof(err));
	if (r) {
		api_refuse(req, r, err);
		return;
	}
	buf_puts(b, "[");
	r = events_json(req->srv->env.query.store, from, to, b);
	buf_puts(b, "\n]\n");
	if (r)
		reply_failed(req, r);
	else
		api_finish(req);
}

/* ---- recording ---- */

static const char *const fields[] = { "kind", "service", "version", "git_ref",
				      "text", "time",	 "until",   NULL };

struct event_text {
	const char *value[ARRAY_SIZE(fields) - 1]; /* by field, NULL: not given */
	struct url_params form;
	json_t *json;
	char number[2][24];
};

static int take_form(struct request *req, struct event_text *t, char *err, size_t errlen)
{
	int r = params_parse(&t->form, req->body.data ? req->body.data : "");

	if (!r)
		r = params_strict(&t->form, fields, err, errlen);
	for (int i = 0; !r && fields[i]; i++)
		t->value[i] = params_get(&t->form, fields[i]);
	return r;
}

static int take_member(struct event_text *t, const char *key, const json_t *v, char *err,
		       size_t errlen)
{
	int i = 0, time = 5;

	while (fields[i] && strcmp(fields[i], key) != 0)
		i++;
	if (fields[i] && json_is_string(v)) {
		t->value[i] = json_string_value(v);
		return 0;
	}
	if (fields[i] && i >= time && json_is_integer(v) && json_integer_value(v) >= 0) {
		snprintf(t->number[i - time], sizeof(t->number[0]), "%lld",
			 (long long)json_integer_value(v));
		t->value[i] = t->number[i - time];
		return 0;
	}
	snprintf(err, errlen,
		 "%.64s: %s; allowed: kind, service, version, git_ref, text, time, until as texts, "
		 "times as unix times too",
		 key, fields[i] ? "is no text" : "unknown member");
	return -EINVAL;
}

static int take_json(struct request *req, struct event_text *t, char *err, size_t errlen)
{
	json_error_t e;
	const char *key;
	json_t *v;
	int r;

	t->json = json_loadb(req->body.data ? req->body.data : "", req->body.len,
			     JSON_REJECT_DUPLICATES, &e);
	if (!json_is_object(t->json)) {
		snprintf(err, errlen, "the body is no JSON object: %.160s",
			 t->json ? "another kind of value" : e.text);
		return -EINVAL;
	}
	json_object_foreach(t->json, key, v)
	{
		r = take_member(t, key, v, err, errlen);
		if (r)
			return r;
	}
	return 0;
}

static int read_moment(const char *key, const char *s, uint64_t now, uint64_t *ret, char *err,
		       size_t errlen)
{
	if (!s || !query_time_parse(s, now, ret))
		return 0;
	snprintf(err, errlen, "%s: '%.64s' is not a time", key, s);
	return -EINVAL;
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static int make_event(const struct event_text *t, struct store_event *e, char *err, size_t errlen)
{
	uint64_t now = wall_now();
	int r;

	*e = (struct store_event){ .time = now,
				   .kind = t->value[0] ? t->value[0] : "deploy",
				   .service = or_empty(t->value[1]),
				   .version = or_empty(t->value[2]),
				   .git_ref = or_empty(t->value[3]),
				   .text = or_empty(t->value[4]) };
	r = read_moment("time", t->value[5], now, &e->time, err, errlen);
	if (!r)
		r = read_moment("until", t->value[6], now, &e->until, err, errlen);
	if (r)
		return r;
	if (strcmp(e->kind, "deploy") && strcmp(e->kind, "note")) {
		snprintf(err, errlen, "kind: '%.64s'; allowed: deploy, note", e->kind);
		return -EINVAL;
	}
	if (e->until && e->until < e->time) {
		snprintf(err, errlen, "until: is before time");
		return -EINVAL;
	}
	if (!strcmp(e->kind, "deploy") && !*e->service) {
		snprintf(err, errlen, "service: is missing; a deploy is of a service");
		return -EINVAL;
	}
	return 0;
}

static void record_event(struct request *req)
{
	static const char *const none[] = { NULL };
	const char *type = request_header(req, "Content-Type");
	struct event_text t = { 0 };
	struct store_event e;
	char err[API_ERROR] = "";
	uint64_t id;
	int r = params_strict(&req->params, none, err, sizeof(err));

	if (!r && type && !strncasecmp(type, "application/x-www-form-urlencoded", 33))
		r = take_form(req, &t, err, sizeof(err));
	else if (!r)
		r = take_json(req, &t, err, sizeof(err));
	if (!r)
		r = make_event(&t, &e, err, sizeof(err));
	if (!r) {
		r = store_event_add(req->srv->env.query.store, &e, &id);
		if (r == -EINVAL)
			snprintf(err, sizeof(err), "a text is longer than %d bytes",
				 STORE_EVENT_TEXT);
	}
	if (r) {
		api_refuse(req, r, err);
	} else {
		buf_printf(&req->reply.body, "{\"id\":%" PRIu64 "}\n", id);
		api_finish(req);
	}
	params_free(&t.form);
	json_decref(t.json);
}

void api_events(struct request *req)
{
	if (req->method == M_POST)
		record_event(req);
	else
		list_events(req);
}
