// SPDX-License-Identifier: GPL-2.0
/*
 * /api/v1/: processes, scrape targets, status. Short answers, worker of the
 * light lane.
 */
#include <inttypes.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/api.h"

#define MAX_PROCESSES 65536
#define MAX_TARGETS   1024

static bool no_params(struct request *req)
{
	static const char *const none[] = { NULL };
	char err[256];

	if (!params_strict(&req->params, none, err, sizeof(err)))
		return true;
	reply_error(req, 400, "%s", err);
	return false;
}

static void process_json(struct buf *b, const struct agg_process *p)
{
	uint64_t truncated = 0;

	for (size_t i = 1; i < sizeof(p->ends) / sizeof(p->ends[0]); i++)
		truncated += p->ends[i];
	buf_printf(b, "{\"pid\":%d", p->pid);
	api_key_text(b, "comm", p->comm);
	api_key_text(b, "exe", p->exe);
	api_key_text(b, "service_name", p->service_name);
	buf_printf(b,
		   ",\"cpu_seconds\":%" PRIu64 ".%09" PRIu64 ",\"samples\":%" PRIu64
		   ",\"whole\":%" PRIu64 ",\"truncated\":%" PRIu64 "}",
		   p->ns / NSEC_PER_SEC, p->ns % NSEC_PER_SEC, p->samples, p->ends[0], truncated);
}

void api_processes(struct request *req)
{
	struct buf *b = &req->reply.body;
	struct agg_process *rows;
	size_t n;

	if (!no_params(req))
		return;
	rows = calloc(MAX_PROCESSES, sizeof(*rows));
	if (!rows) {
		reply_failed(req, -ENOMEM);
		return;
	}
	n = agg_processes(req->srv->env.agg, rows, MAX_PROCESSES);
	buf_puts(b, "{\"processes\":[");
	for (size_t i = 0; i < n; i++) {
		buf_puts(b, i ? ",\n" : "\n");
		process_json(b, &rows[i]);
	}
	buf_puts(b, "\n]}\n");
	free(rows);
	api_finish(req);
}

/* Where this request came to; readers that found us there find us there again. */
static void own_address(const struct request *req, char *ret, size_t len)
{
	const char *host = request_header(req, "Host");

	if (host && *host && !req->from->unix_socket)
		snprintf(ret, len, "%s", host);
	else
		snprintf(ret, len, "%s:%d", req->srv->machine, req->srv->port);
}

/* {service_name="NAME"}, as JSON string; the name is escaped for both. */
static void selector_json(struct buf *b, const char *service)
{
	struct buf text = { 0 };

	buf_puts(&text, "{service_name=\"");
	for (const char *c = service; *c; c++) {
		if (*c == '\\' || *c == '"')
			buf_putc(&text, '\\');
		if (*c == '\n')
			buf_puts(&text, "\\n");
		else
			buf_putc(&text, *c);
	}
	buf_puts(&text, "\"}");
	if (text.err)
		b->err = text.err;
	else
		buf_json_string(b, text.data);
	buf_free(&text);
}

static void target_json(struct buf *b, const char *address, const char *scheme, const char *service)
{
	buf_puts(b, "{\"targets\":[");
	buf_json_string(b, address);
	buf_printf(b, "],\"labels\":{\"__scheme__\":\"%s\"", scheme);
	buf_puts(b, ",\"__metrics_path__\":\"/debug/pprof/profile\",\"__param_query\":");
	selector_json(b, service);
	api_key_text(b, "service_name", service);
	buf_puts(b, "}}");
}

void api_targets(struct request *req)
{
	const char *scheme = req->srv->cert.len && !req->from->unix_socket ? "https" : "http";
	struct agg_service *rows;
	struct buf *b = &req->reply.body;
	char address[320];
	size_t n;

	if (!no_params(req))
		return;
	rows = calloc(MAX_TARGETS, sizeof(*rows));
	if (!rows) {
		reply_failed(req, -ENOMEM);
		return;
	}
	n = agg_services(req->srv->env.agg, rows, MAX_TARGETS);
	own_address(req, address, sizeof(address));
	buf_puts(b, "[");
	for (size_t i = 0; i < n; i++) {
		buf_puts(b, i ? ",\n" : "\n");
		target_json(b, address, scheme, rows[i].service_name);
	}
	buf_puts(b, "\n]\n");
	free(rows);
	api_finish(req);
}

void api_status(struct request *req)
{
	const struct http_env *env = &req->srv->env;

	if (!no_params(req))
		return;
	if (env->status)
		env->status(env->arg, &req->reply.body);
	else
		buf_puts(&req->reply.body, "{}");
	api_finish(req);
}

void api_unknown(struct request *req)
{
	reply_error(req, 404,
		    "there is no such path; allowed: under /api/v1: profile, diff, series, labels, "
		    "label/NAME/values, services, tiers, events, pins, export, import, "
		    "processes, targets, status");
}
