// SPDX-License-Identifier: GPL-2.0
/*
 * Replies: status, headers that every one carries, errors in the dress that
 * the asker reads (Go's for pprof, Prometheus' JSON for the API). A reply is
 * filled by one thread and sent by the listener's.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "http/internal.h"

#define MIN_COMPRESS 1024
#define FILE_BLOCK   (256U << 10)

#define CSP                                                                             \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " \
	"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

void reply_header(struct reply *r, const char *name, const char *fmt, ...)
{
	struct reply_header *h = &r->headers[r->n_headers];
	va_list ap;

	if (r->n_headers == sizeof(r->headers) / sizeof(r->headers[0]))
		return;
	h->name = name;
	va_start(ap, fmt);
	vsnprintf(h->value, sizeof(h->value), fmt, ap);
	va_end(ap);
	r->n_headers++;
}

static const char *error_type(unsigned int status)
{
	static const struct {
		unsigned int status;
		const char *name;
	} types[] = {
		{ 400, "bad_data" },	       { 401, "unauthorized" }, { 403, "forbidden" },
		{ 404, "not_found" },	       { 413, "too_large" },	{ 414, "too_large" },
		{ 405, "method_not_allowed" }, { 409, "conflict" },	{ 503, "unavailable" },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].status == status)
			return types[i].name;
	return "internal";
}

/* Connect's names for what went wrong */
static const char *connect_code(unsigned int status)
{
	static const struct {
		unsigned int status;
		const char *name;
	} codes[] = {
		{ 400, "invalid_argument" },   { 401, "unauthenticated" },
		{ 403, "permission_denied" },  { 404, "unimplemented" },
		{ 405, "unimplemented" },      { 501, "unimplemented" },
		{ 413, "resource_exhausted" }, { 503, "unavailable" },
		{ 415, "invalid_argument" },
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].status == status)
			return codes[i].name;
	return "internal";
}

void reply_error(struct request *req, unsigned int status, const char *fmt, ...)
{
	struct reply *r = &req->reply;
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_free(&r->body);
	store_file_close(r->file);
	*r = (struct reply){ .status = status, .type = "text/plain; charset=utf-8" };
	if (req->family == F_API) {
		r->type = "application/json";
		buf_printf(&r->body, "{\"status\":\"error\",\"errorType\":\"%s\",\"error\":",
			   error_type(status));
		buf_json_string(&r->body, text);
		buf_puts(&r->body, "}\n");
	} else if (req->family == F_CONNECT) {
		r->type = "application/json";
		buf_printf(&r->body, "{\"code\":\"%s\",\"message\":", connect_code(status));
		buf_json_string(&r->body, text);
		buf_puts(&r->body, "}\n");
	} else {
		buf_utf8(&r->body, text);
		buf_putc(&r->body, '\n');
	}
	/* `go tool pprof` shows the text to its user only with this */
	if (req->family == F_PPROF)
		reply_header(r, "X-Go-Pprof", "1");
}

void reply_failed(struct request *req, int r)
{
	if (r == -ECANCELED) {
		/* nobody is there to read it, unless it was the server's own end */
		buf_free(&req->reply.body);
		req->reply = (struct reply){ 0 };
		return;
	}
	if (r == -ETIMEDOUT)
		reply_error(req, 503,
			    "the query took too long: ask for a shorter range, or a "
			    "simpler selector");
	else if (r == -ELOOP)
		reply_error(req, 400,
			    "a regular expression takes too many steps on a text it is asked "
			    "about; allowed: one without nested repetition");
	else if (r == -ENOMEM)
		reply_error(req, 503, "the query needs too much memory: ask for a shorter range");
	else if (r == -EFBIG)
		reply_error(req, 503, "the answer is larger than %u MiB: ask for a shorter range",
			    MAX_ANSWER >> 20);
	else
		reply_error(req, 500, "the query failed: %s", strerror(-r));
	if (req->reply.status == 503)
		reply_header(&req->reply, "Retry-After", "10");
}

void reply_ok(struct request *req, const char *type)
{
	if (req->reply.body.err) {
		reply_failed(req, req->reply.body.err);
		return;
	}
	req->reply.status = 200;
	req->reply.type = type;
}

void reply_compress(struct request *req)
{
	struct buf plain = req->reply.body;
	struct answer a;
	int r;

	req->reply.vary = true;
	if (!req->gzip || plain.len < MIN_COMPRESS || plain.err)
		return;
	req->reply.body = (struct buf){ 0 };
	r = answer_begin(&a, req, true);
	if (!r)
		r = answer_end(&a, a.sink.write(a.sink.arg, plain.data, plain.len));
	if (!r) {
		buf_free(&plain);
		return;
	}
	buf_free(&req->reply.body);
	req->reply.body = plain;
	req->reply.compressed = false;
}

static void add_headers(const struct reply *r, struct MHD_Response *resp)
{
	static const char *const always[][2] = {
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Content-Security-Policy", CSP },
	};

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		MHD_add_response_header(resp, always[i][0], always[i][1]);
	MHD_add_response_header(resp, "Cache-Control", r->page ? "private, no-cache" : "no-store");
	if (r->type)
		MHD_add_response_header(resp, "Content-Type", r->type);
	if (r->compressed)
		MHD_add_response_header(resp, "Content-Encoding", "gzip");
	if (r->vary)
		MHD_add_response_header(resp, "Vary", "Accept-Encoding");
	for (unsigned int i = 0; i < r->n_headers; i++)
		MHD_add_response_header(resp, r->headers[i].name, r->headers[i].value);
}

static ssize_t read_file(void *file, uint64_t at, char *room, size_t n)
{
	ssize_t got = store_file_read(file, at, room, n);

	return got > 0 ? got
	       : got   ? MHD_CONTENT_READER_END_WITH_ERROR
		       : MHD_CONTENT_READER_END_OF_STREAM;
}

static void close_file(void *file)
{
	store_file_close(file);
}

/* Hands the file over to the response. */
static struct MHD_Response *file_response(struct reply *r)
{
	struct MHD_Response *resp = MHD_create_response_from_callback(
		store_file_size(r->file), FILE_BLOCK, read_file, r->file, close_file);

	if (resp)
		r->file = NULL;
	return resp;
}

/* Hands the body over to the response. */
static struct MHD_Response *make_response(struct request *req)
{
	struct reply *r = &req->reply;
	struct MHD_Response *resp;

	if (r->file)
		return file_response(r);
	if (r->fixed || !r->body.len)
		return MHD_create_response_from_buffer(r->fixed_len, (void *)r->fixed,
						       MHD_RESPMEM_PERSISTENT);
	resp = MHD_create_response_from_buffer(r->body.len, r->body.data, MHD_RESPMEM_MUST_FREE);
	if (resp) {
		req->held = r->body.len;
		r->body = (struct buf){ 0 };
		__atomic_fetch_add(&req->srv->held, req->held, __ATOMIC_RELAXED);
	}
	return resp;
}

static uint64_t reply_size(const struct reply *r)
{
	return r->file ? store_file_size(r->file) : r->fixed ? r->fixed_len : r->body.len;
}

enum MHD_Result reply_send(struct request *req)
{
	struct http_server *s = req->srv;
	struct MHD_Response *resp;
	enum MHD_Result ok;
	uint64_t bytes;

	if (!req->reply.status)
		return MHD_NO;
	bytes = reply_size(&req->reply);
	resp = make_response(req);
	if (!resp)
		return MHD_NO;
	add_headers(&req->reply, resp);
	COUNT(s->by_class[req->reply.status / 100 % 6]);
	if (req->method != M_HEAD)
		__atomic_fetch_add(&s->bytes_out, bytes, __ATOMIC_RELAXED);
	client_deadline(req, TRANSFER_S(bytes) * NSEC_PER_SEC);
	ok = MHD_queue_response(req->conn, req->reply.status, resp);
	MHD_destroy_response(resp);
	return ok;
}
