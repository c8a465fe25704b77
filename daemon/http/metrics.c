// SPDX-License-Identifier: GPL-2.0
/* Writer of Prometheus text, and /metrics. Worker of the light lane; the writer: any thread. */
#include "http/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/internal.h"

#define MAX_SERVICES 1024
#define TEXT_TYPE    "text/plain; version=0.0.4; charset=utf-8"

void metrics_family(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void label_value(struct buf *b, const char *s)
{
	struct buf text = { 0 };

	buf_utf8(&text, s);
	if (text.err)
		b->err = text.err;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c == '\\' || c == '"' || c == '\n')
			buf_putc(b, '\\');
		buf_putc(b, c == '\n' ? 'n' : c);
	}
	buf_free(&text);
}

static void labels(struct buf *b, const char *name, va_list ap)
{
	const char *key, *value;
	char before = '{';

	buf_puts(b, name);
	while ((key = va_arg(ap, const char *))) {
		value = va_arg(ap, const char *);
		buf_printf(b, "%c%s=\"", before, key);
		label_value(b, value ? value : "");
		buf_putc(b, '"');
		before = ',';
	}
	if (before == ',')
		buf_putc(b, '}');
}

void metrics_u64(struct buf *b, const char *name, uint64_t v, ...)
{
	va_list ap;

	va_start(ap, v);
	labels(b, name, ap);
	va_end(ap);
	buf_printf(b, " %" PRIu64 "\n", v);
}

void metrics_ns(struct buf *b, const char *name, uint64_t v, ...)
{
	va_list ap;

	va_start(ap, v);
	labels(b, name, ap);
	va_end(ap);
	buf_printf(b, " %" PRIu64 ".%09" PRIu64 "\n", v / NSEC_PER_SEC, v % NSEC_PER_SEC);
}

static void build_info(struct buf *b)
{
	const char *name = "ringprof_build_info";

	metrics_family(b, name, METRIC_GAUGE, "Always 1; the version is in the label.");
	metrics_u64(b, name, 1, "version", RINGPROF_VERSION, NULL);
}

static void services(struct buf *b, struct agg *agg)
{
	const char *name = "ringprof_cpu_seconds_total";
	struct agg_service *rows = calloc(MAX_SERVICES, sizeof(*rows));
	size_t n = rows ? agg_services(agg, rows, MAX_SERVICES) : 0;

	if (!rows)
		b->err = -ENOMEM;
	metrics_family(b, name, METRIC_COUNTER, "CPU time sampled, by service and mode.");
	for (size_t i = 0; i < n; i++) {
		metrics_ns(b, name, rows[i].user_ns, "service_name", rows[i].service_name, "mode",
			   "user", NULL);
		metrics_ns(b, name, rows[i].kernel_ns, "service_name", rows[i].service_name, "mode",
			   "kernel", NULL);
	}
	free(rows);
}

static void one(struct buf *b, const char *name, const char *type, const char *help, uint64_t v)
{
	metrics_family(b, name, type, help);
	metrics_u64(b, name, v, NULL);
}

static void own(struct buf *b, const struct http_server *s)
{
	static const char *const classes[] = { "1xx", "2xx", "3xx", "4xx", "5xx" };
	const char *name = "ringprof_http_responses_total";
	struct http_counters c;

	http_counters(s, &c);
	one(b, "ringprof_http_requests_total", METRIC_COUNTER, "Requests received.", c.requests);
	metrics_family(b, name, METRIC_COUNTER, "Responses by class of status.");
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		metrics_u64(b, name, c.responses_by_class[i + 1], "class", classes[i], NULL);
	one(b, "ringprof_http_scrapes_waiting", METRIC_GAUGE, "Scrapes that wait for their end.",
	    c.waiting);
	one(b, "ringprof_http_scrapes_refused_total", METRIC_COUNTER,
	    "Scrapes refused because max-waiting were waiting.", c.refused_waiting);
	one(b, "ringprof_http_auth_failures_total", METRIC_COUNTER,
	    "Requests without the right credential.", c.auth_failures);
	one(b, "ringprof_http_host_refused_total", METRIC_COUNTER,
	    "Requests refused for their Host header or another site's page.", c.host_refused);
	one(b, "ringprof_http_hangups_total", METRIC_COUNTER,
	    "Clients that hung up before their answer was made.", c.hangups);
	one(b, "ringprof_http_timeouts_total", METRIC_COUNTER,
	    "Connections shut because the client was too slow.", c.timeouts);
	one(b, "ringprof_http_sent_bytes_total", METRIC_COUNTER, "Bytes of response bodies.",
	    c.bytes_out);
}

void metrics_handler(struct request *req)
{
	const struct http_env *env = &req->srv->env;
	struct buf *b = &req->reply.body;
	bool names = request_may_know(req);

	build_info(b);
	if (names)
		services(b, env->agg);
	own(b, req->srv);
	if (env->metrics)
		env->metrics(env->arg, names, b);
	reply_ok(req, TEXT_TYPE);
	if (req->reply.status == 200)
		reply_compress(req);
}
