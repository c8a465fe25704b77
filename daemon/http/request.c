// SPDX-License-Identifier: GPL-2.0
/*
 * A request from its first line to its handler. The order of the checks is
 * the order of harm: whose name was called (Host), who sends it (another
 * site's page), who asks (credential), what for (route, method, sizes).
 * Listener's thread.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/auth.h"
#include "http/internal.h"

struct request *request_new(struct listener *l, struct MHD_Connection *conn, const char *uri)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct request *req = calloc(1, sizeof(*req));

	if (!req)
		return NULL;
	req->srv = l->srv;
	req->from = l;
	req->conn = conn;
	req->client = info ? info->socket_context : NULL;
	req->arrived = mono_now();
	req->uri_too_long = strlen(uri) > MAX_URI;
	req->path = req->uri_too_long ? NULL : strdup(uri);
	COUNT(l->srv->requests);
	pthread_mutex_lock(&l->srv->lock);
	l->srv->n_requests++;
	pthread_mutex_unlock(&l->srv->lock);
	client_deadline(req, l->srv->cfg.request_timeout * NSEC_PER_SEC);
	return req;
}

void request_free(struct request *req)
{
	struct http_server *s = req->srv;

	__atomic_fetch_sub(&s->held, req->held, __ATOMIC_RELAXED);
	pthread_mutex_lock(&s->lock);
	s->n_requests--;
	pthread_mutex_unlock(&s->lock);
	selector_free(req->selector);
	params_free(&req->params);
	buf_free(&req->body);
	buf_free(&req->reply.body);
	store_file_close(req->reply.file);
	store_import_drop(req->import);
	free(req->path);
	free(req);
}

const char *request_header(const struct request *req, const char *name)
{
	return MHD_lookup_connection_value(req->conn, MHD_HEADER_KIND, name);
}

static enum method method_of(const char *name)
{
	if (!strcmp(name, "GET"))
		return M_GET;
	if (!strcmp(name, "HEAD"))
		return M_HEAD;
	if (!strcmp(name, "DELETE"))
		return M_DELETE;
	return strcmp(name, "POST") ? M_OTHER : M_POST;
}

static enum MHD_Result count_header(void *cls, enum MHD_ValueKind kind, const char *key,
				    const char *value)
{
	*(int *)cls += !strcasecmp(key, "Host");
	return MHD_YES;
}

static bool host_ok(struct request *req)
{
	const struct http_server *s = req->srv;
	const char *host = request_header(req, "Host");
	int hosts = 0;

	MHD_get_connection_values(req->conn, MHD_HEADER_KIND, count_header, &hosts);
	if (hosts > 1) {
		reply_error(req, 400, "the request has more than one Host header");
		return false;
	}
	if (!host && req->http11) {
		reply_error(req, 400, "HTTP/1.1 wants a Host header");
		return false;
	}
	/* HTTP/1.0 need not name one, and no browser leaves it out */
	if (!host || host_allowed(host, req->from->policy, s->cfg.allowed_hosts, s->machine))
		return true;
	COUNT(req->srv->host_refused);
	reply_error(req, 403,
		    "Host '%.200s' is not served here; allowed: %s, and the names in allowed-hosts",
		    host,
		    req->from->policy == HOST_LOOPBACK ? "localhost, 127.0.0.0/8, [::1]"
						       : "localhost, IP addresses, this machine's "
							 "name");
	return false;
}

/*
 * Sec-Fetch-Site comes to trustworthy addresses only, and for it localhost is
 * one site whatever the port; with what changes something browsers send Origin.
 */
static bool own_page(const struct request *req)
{
	const char *site = request_header(req, "Sec-Fetch-Site");
	const char *origin = request_header(req, "Origin");
	const char *host = request_header(req, "Host");
	/* what a proxy was asked for; no page can make a browser send it unasked */
	const char *asked = request_header(req, "X-Forwarded-Host");

	if (site && !strcasecmp(site, "cross-site"))
		return false;
	if (!origin || req->method == M_GET || req->method == M_HEAD)
		return true;
	origin = strstr(origin, "://");
	if (!origin)
		return false;
	return (host && !strcasecmp(origin + 3, host)) || (asked && !strcasecmp(origin + 3, asked));
}

/* Browsers say where a request comes from; another site's page has no business with profiles. */
static bool origin_ok(struct request *req)
{
	if (req->family == F_PLAIN || own_page(req))
		return true;
	COUNT(req->srv->host_refused);
	reply_error(req, 403, "requests from another site's page are not answered");
	return false;
}

bool request_may_know(struct request *req)
{
	const char *token = req->srv->cfg.token;

	/* who can connect to the Unix socket was let in by its file's mode */
	return !token || req->from->unix_socket ||
	       auth_ok(request_header(req, "Authorization"), token);
}

static bool credential_ok(struct request *req)
{
	if (req->route->open || request_may_know(req))
		return true;
	COUNT(req->srv->auth_failures);
	reply_error(req, 401,
		    "a credential is needed: bearer token, or HTTP basic with any user and the "
		    "token as password");
	reply_header(&req->reply, "WWW-Authenticate",
		     "Basic realm=\"ringprof\", charset=\"UTF-8\"");
	return false;
}

static bool method_ok(struct request *req)
{
	unsigned int m = req->route->methods;
	const char *read, *post, *drop;

	if (m & req->method)
		return true;
	read = m & M_READ ? "GET, HEAD" : "";
	post = !(m & M_POST) ? "" : m & M_READ ? ", POST" : "POST";
	drop = m & M_DELETE ? ", DELETE" : "";
	reply_error(req, 405, "this path does not know this method; allowed: %s%s%s", read, post,
		    drop);
	reply_header(&req->reply, "Allow", "%s%s%s", read, post, drop);
	return false;
}

static bool sizes_ok(struct request *req)
{
	const char *text = request_header(req, "Content-Length");
	uint64_t size = text ? strtoull(text, NULL, 10) : 0;

	req->body_announced = size;
	if (size <= MAX_BODY || req->route->methods & M_UPLOAD)
		return true;
	reply_error(req, 413, "the body has %" PRIu64 " bytes; allowed: up to %u", size, MAX_BODY);
	if (size > MAX_DRAIN)
		reply_header(&req->reply, "Connection", "close");
	return false;
}

/* Cuts the query string off the path and decodes it. */
static bool uri_ok(struct request *req)
{
	size_t n;

	if (req->uri_too_long) {
		reply_error(req, 414, "the address is too long; allowed: %d bytes", MAX_URI);
		return false;
	}
	n = req->path ? strcspn(req->path, "?") : 0;
	req->query = req->path && req->path[n] ? req->path + n + 1 : "";
	if (!req->path || params_parse(&req->params, req->query)) {
		reply_error(req, 503, "out of memory");
		return false;
	}
	req->path[n] = '\0';
	req->route = route_find(req->path);
	req->family = req->route->family;
	return true;
}

void request_admit(struct request *req, const char *method)
{
	req->method = method_of(method);
	req->gzip = accepts_gzip(request_header(req, "Accept-Encoding"));
	/* sizes come first only to be known: how to get rid of a body depends on them */
	req->refused = !uri_ok(req) || !sizes_ok(req) || !host_ok(req) || !origin_ok(req) ||
		       !credential_ok(req) || !method_ok(req);
	if (!req->refused && req->route->methods & M_UPLOAD)
		upload_begin(req);
}

void request_run(struct request *req)
{
	if (!req->refused && !req->uploads && req->body_seen > MAX_BODY)
		reply_error(req, 413, "the body is too large; allowed: up to %u bytes", MAX_BODY);
	else if (!req->refused && req->body.err)
		reply_error(req, 503, "out of memory");
	else if (!req->refused && req->route->lane != LANE_NONE) {
		work_suspend(req, req->route->lane);
		return;
	} else if (!req->refused) {
		req->route->handler(req);
		if (req->suspends)
			return;
	}
	reply_send(req);
}
