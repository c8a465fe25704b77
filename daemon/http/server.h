/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The HTTP side: routes, credentials, waiting scrapes. Takes questions from
 * listeners, gives profiles, metrics and the page. Reads through query and
 * export only; writes nothing but its own counters; never samples, never
 * symbolizes by itself. The head of server.c says which threads there are.
 */
#ifndef RINGPROF_HTTP_SERVER_H
#define RINGPROF_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agg/agg.h"
#include "base/buf.h"
#include "query/query.h"

struct http_config {
	const char *listen;		/* "127.0.0.1:4099", "[::]:4099", "" = none */
	const char *unix_socket;	/* path, NULL/"" = none; mode 0660 root:ringprof */
	const char *tls_cert, *tls_key; /* PEM files, both or none */
	const char *token;		/* the credential; NULL: auth = none */
	const char *allowed_hosts; /* comma list of Host names beside loopback names; "" none */
	uint32_t max_waiting;	   /* scrapes that wait at once, 256 */
	const int *listen_fds;	   /* from systemd, used instead of listen when n_listen_fds > 0 */
	int n_listen_fds;
	uint32_t max_seconds;	  /* longest scrape, 0: 3600; keep it below the history in memory */
	uint32_t max_connections; /* per listener, 0: max_waiting + 256 */
	uint32_t request_timeout; /* seconds a client may take to send a request, 0: 15 */
};

/* What the server asks of the rest of the daemon; all callbacks from any HTTP thread. */
struct http_env {
	struct query_env query;
	struct agg *agg;
	/* asks the collector to drain now (a scrape's end has come); returns at once */
	void (*kick)(void *arg);
	/*
	 * appends the daemon's and source's counters as Prometheus text; names: those by
	 * services and programs, too, which are nobody's business without a credential
	 */
	void (*metrics)(void *arg, bool names, struct buf *b);
	/* appends the JSON object of `ringprof status` */
	void (*status)(void *arg, struct buf *b);
	/* NULL ready; else why not (static text) */
	const char *(*not_ready)(void *arg);
	void *arg;
};

struct http_server;

/*
 * Opens the listeners and serves. cfg and env are copied, what their pointers
 * lead to as well, but not env->arg's and env->agg's things: those outlive the
 * server. 0, or -errno with a sentence in err: what, why, and the way out.
 */
int http_start(struct http_server **ret, const struct http_config *cfg, const struct http_env *env,
	       char *err, size_t errlen);
/*
 * Answers 503 to who still waits, ends every thread, frees. NULL is fine. If
 * this server is agg's on_close hook, the collector must have stopped before:
 * taking the hook away does not wait for a call under way.
 */
void http_stop(struct http_server *s);
/*
 * The collector's agg_on_close hook: hands scrapes whose range is closed to the
 * workers. Takes a lock that nobody holds for long; never calls into agg.
 */
void http_windows_closed(void *server, uint64_t closed);

/*
 * Rules that merge=category takes from now on; questions under way keep theirs.
 * Takes over the caller's reference, NULL: the built-in ones.
 */
void http_set_categories(struct http_server *s, struct categories *c);

struct http_counters {
	uint64_t requests, responses_by_class[6], waiting, refused_waiting, auth_failures,
		host_refused, hangups, bytes_out, timeouts;
};
void http_counters(const struct http_server *s, struct http_counters *ret);
/* Port of the first TCP listener (for port 0), 0: there is none. */
int http_port(const struct http_server *s);

#endif
