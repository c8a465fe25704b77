// SPDX-License-Identifier: GPL-2.0
/*
 * libmicrohttpd's callbacks, and a daemon of it per listener: one thread with
 * epoll each, connections can be suspended. Its threads only parse, check and
 * send; nothing here waits.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "http/internal.h"

#define CONNECTION_MEMORY (32U << 10) /* request line and headers of one connection */
#define KEEP_ALIVE_S	  75

/* The request line is there, escapes and all: the one place to see it whole. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *conn)
{
	return request_new(cls, conn, uri);
}

static enum MHD_Result on_body(struct request *req, const char *data, size_t *size)
{
	req->body_seen += *size;
	if (req->uploads)
		upload_write(req, data, *size);
	else if (req->body_seen > MAX_DRAIN)
		return MHD_NO;
	else if (req->body_seen <= MAX_BODY && !req->refused)
		buf_append(&req->body, data, *size);
	*size = 0;
	return MHD_YES;
}

static enum MHD_Result on_headers(struct request *req, const char *method)
{
	client_deadline(req, req->srv->cfg.request_timeout * NSEC_PER_SEC);
	request_admit(req, method);
	/* a body that large is not waited for: answer at once, and close */
	return req->refused && req->body_announced > MAX_DRAIN ? reply_send(req) : MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *conn, const char *url,
				 const char *method, const char *version, const char *data,
				 size_t *size, void **arg)
{
	struct request *req = *arg;

	if (!req) /* no memory for it */
		return MHD_NO;
	if (req->state == R_READY)
		return reply_send(req);
	if (!req->method) {
		req->http11 = strcmp(version, "HTTP/1.0") > 0;
		return on_headers(req, method);
	}
	if (*size)
		return on_body(req, data, size);
	client_deadline(req, 0);
	request_run(req);
	return MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **arg,
			 enum MHD_RequestTerminationCode code)
{
	struct request *req = *arg;

	if (!req)
		return;
	*arg = NULL;
	client_idle(req, KEEP_ALIVE_S * NSEC_PER_SEC);
	scrape_over(req, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	request_free(req);
}

static void on_connection(void *cls, struct MHD_Connection *conn, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct listener *l = cls;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);

		*context = info ? client_new(l->srv, info->connect_fd) : NULL;
	} else {
		client_free(l->srv, *context);
		*context = NULL;
	}
}

static unsigned int connection_limit(const struct http_server *s)
{
	return s->cfg.max_connections ? s->cfg.max_connections : s->cfg.max_waiting + 256;
}

int mhd_start(struct listener *l, char *err, size_t errlen)
{
	const struct http_server *s = l->srv;
	bool tls = s->cert.len && !l->unix_socket;
	unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			     (tls ? MHD_USE_TLS : 0);
	struct MHD_OptionItem pair[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert.data },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, s->key.data },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)"NORMAL:-VERS-TLS1.0:-VERS-TLS1.1" },
		{ MHD_OPTION_END, 0, NULL },
	};

	if (!tls)
		pair[0].option = MHD_OPTION_END;
	l->mhd = MHD_start_daemon(flags, 0, NULL, NULL, on_access, l, MHD_OPTION_LISTEN_SOCKET,
				  l->fd, MHD_OPTION_CONNECTION_LIMIT, connection_limit(s),
				  MHD_OPTION_CONNECTION_TIMEOUT, KEEP_ALIVE_S + 5,
				  MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
				  MHD_OPTION_URI_LOG_CALLBACK, on_uri, l,
				  MHD_OPTION_NOTIFY_COMPLETED, on_completed, l,
				  MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_ARRAY,
				  pair, MHD_OPTION_END);
	if (!l->mhd) {
		snprintf(err, errlen, "listen %s: the HTTP library cannot start (%s)", l->name,
			 strerror(errno));
		return -EIO;
	}
	l->fd = -1; /* MHD's now */
	return 0;
}
