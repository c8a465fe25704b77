// SPDX-License-Identifier: GPL-2.0
/*
 * Requests as they come over a line: "METHOD TARGET", headers, an empty line,
 * the body. Through the checks, and, where these let it pass, to the handler
 * of its path over a small history. libmicrohttpd, which others fuzz, is left
 * out: what it tells of a connection comes from the input. So is what a scrape
 * waits for: it is of seconds that are recorded, not of those to come. Every answer has a
 * status, and nothing is told without a credential.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"
/* the whole world of the HTTP tests, of which this needs a part */
#pragma GCC diagnostic ignored "-Wunused-function"
#include "tests/unit/test_http_world.h"

#define MAX_HEADERS 16

static struct {
	char *key[MAX_HEADERS], *value[MAX_HEADERS];
	int n;
} headers;

static struct world world;

static void must(int good)
{
	if (!good)
		abort();
}

/* Instead of libmicrohttpd's. */
const char *MHD_lookup_connection_value(struct MHD_Connection *conn, enum MHD_ValueKind kind,
					const char *key)
{
	for (int i = 0; i < headers.n; i++)
		if (!strcasecmp(headers.key[i], key))
			return headers.value[i];
	return NULL;
}

int MHD_get_connection_values(struct MHD_Connection *conn, enum MHD_ValueKind kind,
			      MHD_KeyValueIterator fn, void *arg)
{
	for (int i = 0; i < headers.n; i++)
		fn(arg, kind, headers.key[i], headers.value[i]);
	return headers.n;
}

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *conn,
							enum MHD_ConnectionInfoType type, ...)
{
	return NULL;
}

static void make_world(void)
{
	static const struct source_info info = { .period = STEP_NS, .cpus = 1, .hz = 1000 };
	const struct source_counters none = { 0 };
	uint64_t now = mono_now() / STEP_NS * STEP_NS;
	char err[512] = "";

	world_parts(&world);
	for (uint64_t t = now - 30 * NSEC_PER_SEC; t < now; t += 50 * STEP_NS) {
		one_sample(&world, t);
		agg_advance(world.agg, t, &none, &info);
	}
	must(!world_serve(&world, err, sizeof(err)));
	/* no window is closed for anybody any more, so nobody shall wait for one */
	world.s->fresh = UINT64_MAX / 2;
}

static char *next_line(char **rest)
{
	char *line = *rest, *nl = strchr(line, '\n');

	*rest = nl ? nl + 1 : line + strlen(line);
	if (nl)
		*nl = '\0';
	return line;
}

static void read_headers(char **rest)
{
	headers.n = 0;
	while (**rest && **rest != '\n') {
		char *line = next_line(rest), *value = strstr(line, ": ");

		if (!value || headers.n == MAX_HEADERS)
			continue;
		*value = '\0';
		headers.key[headers.n] = line;
		headers.value[headers.n++] = value + 2;
	}
	if (**rest)
		++*rest;
}

/* The question is judged as HEAD has it, which waits for nothing; then comes what a worker does. */
static void scrape(struct request *req)
{
	req->method = M_HEAD;
	pprof_profile(req);
	if (req->reply.status != 200)
		return;
	req->reply = (struct reply){ 0 };
	req->scrape.end = agg_closed(world.agg);
	req->scrape.start = req->scrape.end - (uint64_t)params_seconds(&req->params) * NSEC_PER_SEC;
	pprof_profile_encode(req);
}

static void handle(struct request *req)
{
	const struct route *r = req->route;

	if (r->handler == pprof_profile)
		scrape(req);
	else
		r->handler(req);
	must(req->reply.status >= 100 && req->reply.status < 600);
}

static void ask_once(const char *method, const char *target, const char *body, size_t len)
{
	struct request *req = request_new(&world.s->listeners[0], NULL, target);

	if (!req)
		return;
	req->http11 = true;
	request_admit(req, method);
	if (req->refused) {
		must(req->reply.status >= 400);
	} else {
		must(req->route->open || (request_header(req, "Authorization") &&
					  strcasestr(request_header(req, "Authorization"), "b")));
		buf_append(&req->body, body, len);
		handle(req);
	}
	request_free(req);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, *rest, *line, *target;

	if (!world.s)
		make_world();
	text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	rest = text;
	line = next_line(&rest);
	target = strchr(line, ' ');
	if (target) {
		*target++ = '\0';
		read_headers(&rest);
		ask_once(line, target, rest, size - (size_t)(rest - text));
	}
	free(text);
	return 0;
}
