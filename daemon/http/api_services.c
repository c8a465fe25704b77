// SPDX-License-Identifier: GPL-2.0
/* /api/v1/services: who used the CPUs in a range, how much, and which versions ran. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "http/api.h"
#include "query/series.h"

#define DEFAULT_RANGE_NS (3600 * NSEC_PER_SEC)
#define TREND_POINTS	 24

/* groups of one service stand together: first is the number of its first one */
struct service {
	const char *name;
	uint32_t first, n;
	uint64_t total;
};

static int by_name(const void *pa, const void *pb)
{
	const struct series_group *a = pa, *b = pb;
	int r = strcmp(a->values[0], b->values[0]);

	if (r || a->other != b->other)
		return r ? r : a->other - b->other;
	return a->first < b->first ? -1 : a->first > b->first;
}

static int by_total(const void *pa, const void *pb)
{
	const struct service *a = pa, *b = pb;

	if (a->total != b->total)
		return a->total > b->total ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

static uint32_t list_services(struct series *s, struct service *ret)
{
	uint32_t n = 0;

	if (s->n_groups)
		qsort(s->groups, s->n_groups, sizeof(*s->groups), by_name);
	for (uint32_t i = 0; i < s->n_groups; i++) {
		const struct series_group *g = &s->groups[i];

		if (!n || strcmp(ret[n - 1].name, g->values[0]) != 0)
			ret[n++] = (struct service){ .name = g->values[0], .first = i };
		ret[n - 1].n++;
		ret[n - 1].total += g->total;
	}
	qsort(ret, n, sizeof(*ret), by_total);
	return n;
}

static void put_trend(struct buf *b, const struct series *s, const struct service *v)
{
	buf_puts(b, ",\"trend\":[");
	for (uint32_t p = 0; p < s->n_points; p++) {
		uint64_t ns = 0;

		for (uint32_t i = 0; i < v->n; i++)
			ns += s->groups[v->first + i].weight[p];
		if (p)
			buf_putc(b, ',');
		if (s->covered[p])
			buf_printf(b, "%.6g", (double)ns / (double)s->covered[p]);
		else
			buf_puts(b, "null");
	}
	buf_puts(b, "]");
}

static void put_versions(struct buf *b, const struct series *s, const struct service *v)
{
	const char *sep = "";

	buf_puts(b, ",\"versions\":[");
	for (uint32_t i = 0; i < v->n; i++) {
		const struct series_group *g = &s->groups[v->first + i];

		if (!*g->values[1])
			continue;
		buf_printf(b, "%s{\"service_version\":", sep);
		buf_json_string(b, g->values[1]);
		buf_printf(b, ",\"first_ms\":%" PRIu64 ",\"last_ms\":%" PRIu64 "}",
			   g->first / NSEC_PER_MSEC, g->last / NSEC_PER_MSEC);
		sep = ",";
	}
	buf_puts(b, "]}");
}

static int put_services(struct buf *b, struct series *s)
{
	cleanup_free struct service *v = calloc((size_t)s->n_groups + 1, sizeof(*v));
	uint64_t covered = 0;
	uint32_t n;

	if (!v)
		return -ENOMEM;
	for (uint32_t p = 0; p < s->n_points; p++)
		covered += s->covered[p];
	n = list_services(s, v);
	buf_puts(b, "[");
	for (uint32_t i = 0; i < n; i++) {
		buf_puts(b, i ? ",\n{\"service_name\":" : "\n{\"service_name\":");
		buf_json_string(b, v[i].name);
		buf_printf(b, ",\"cores\":%.6g,\"share\":%.6g",
			   covered ? (double)v[i].total / (double)covered : 0,
			   s->total ? (double)v[i].total / (double)s->total : 0);
		put_trend(b, s, &v[i]);
		put_versions(b, s, &v[i]);
	}
	buf_puts(b, "\n]\n");
	return b->err;
}

void api_services(struct request *req)
{
	static const char *const allowed[] = { "query", "from", "until", NULL };
	static const char *const labels[] = { "service_name", "service_version" };
	const struct query_limits lim = api_limits(req);
	struct series_ask ask = { .group_by = labels, .n_group_by = ARRAY_SIZE(labels) };
	struct series *s = NULL;
	char err[API_ERROR] = "";
	int r = params_strict(&req->params, allowed, err, sizeof(err));

	if (!r)
		r = api_range(req, "from", "until", DEFAULT_RANGE_NS, &ask.from, &ask.to, err,
			      sizeof(err));
	if (!r)
		r = api_selector(req, "query", &req->selector, err, sizeof(err));
	if (!r) {
		ask.step = (ask.to - ask.from) / TREND_POINTS;
		ask.step += NSEC_PER_SEC - ask.step % NSEC_PER_SEC;
		api_freshen(req, ask.to);
		r = query_series(&req->srv->env.query, &ask, req->selector, &lim, &s);
	}
	if (!r)
		r = put_services(&req->reply.body, s);
	if (r)
		api_refuse(req, r, err);
	else
		api_finish(req);
	series_free(s);
}
