/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the HTTP side share. Nobody outside daemon/http includes
 * this.
 *
 * A request belongs to the thread that works on it: the listener's thread
 * until work_suspend(), then whoever takes it from the server's lists (under
 * the server's lock), and the listener's thread again after work_finish().
 * Only `cancelled` is written from the side.
 */
#ifndef RINGPROF_HTTP_INTERNAL_H
#define RINGPROF_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "export/export.h"
#include "http/hostcheck.h"
#include "http/params.h"
#include "http/server.h"

#define MAX_URI		8192
#define MAX_BODY	(64U << 10)
#define MAX_DRAIN	(1U << 20) /* a body too large is read up to here, so that the answer arrives */
#define MAX_QUEUED	64	   /* queries that wait for a worker */
#define MAX_ANSWER	(256U << 20)
#define MAX_HELD	(512U << 20) /* answers made and not yet read, all told */
#define MAX_LISTENERS	18
#define N_ENDS		64
#define BACK_TO_BACK_NS (250 * 1000000ULL)
#define QUERY_NS	(10 * 1000000000ULL)
/* for a body of so many bytes to go or come: 5 minutes, and 1 MiB a second */
#define TRANSFER_S(n)	(300 + ((n) >> 20))
#define SCRAPE_QUERY_NS (60 * 1000000000ULL)
/*
 * Time for debug information nobody has asked for before. The next scrape of
 * one who scrapes back to back begins with this answer, and that of anybody
 * goes on at its end only within BACK_TO_BACK_NS: it must not be late.
 */
#define LINE_NS	       (1000 * 1000000ULL)
#define SCRAPE_LINE_NS (100 * 1000000ULL)

enum method { M_GET = 1, M_HEAD = 2, M_POST = 4, M_OTHER = 8, M_DELETE = 16, M_UPLOAD = 32 };
#define M_READ (M_GET | M_HEAD)

/* how errors are dressed */
enum family { F_PLAIN, F_PPROF, F_API, F_CONNECT };

/*
 * Who runs a handler: the listener's thread at once, a worker. Short answers
 * have a worker of their own, so that two long queries do not stop them.
 */
enum lane_id { LANE_LIGHT, LANE_HEAVY, N_LANES, LANE_NONE = N_LANES };

struct request;

struct route {
	const char *path;
	unsigned int methods; /* enum method; with M_UPLOAD bodies of any size go to upload.c */
	bool open;	      /* no credential */
	enum family family;
	enum lane_id lane;
	/* fills req->reply, or (LANE_NONE only) suspends the request */
	void (*handler)(struct request *req);
};

struct reply_header {
	const char *name;
	char value[160];
};

struct reply {
	unsigned int status;
	const char *type; /* Content-Type, static */
	struct buf body;
	const void *fixed; /* instead of body: lives as long as the program */
	size_t fixed_len;
	struct store_file *file; /* instead of body: owned, read while it is sent */
	bool compressed;	 /* gzip already, Content-Encoding is told */
	bool vary;		 /* could have been compressed */
	bool page;		 /* may be cached and revalidated */
	struct reply_header headers[4];
	unsigned int n_headers;
};

enum request_state {
	R_READING, /* headers and body come in */
	R_WAITING, /* a scrape whose range is not over */
	R_QUEUED,  /* for a worker */
	R_RUNNING,
	R_READY, /* reply is there, or status 0: hang up */
};

struct scrape {
	uint64_t start, end; /* mono ns */
	uint64_t who;	     /* hash of who asks for what */
	uint64_t next_kick;  /* mono ns */
};

struct request {
	struct http_server *srv;
	struct listener *from;
	struct MHD_Connection *conn;
	struct client *client; /* NULL: no memory for it at connect */
	char *path;	       /* NULL: no memory; the query string stands behind its NUL */
	bool uri_too_long;
	const char *query; /* inside path's memory, "" none; as it came */
	struct url_params params;
	enum method method; /* 0: the headers are not in yet */
	enum family family;
	const struct route *route;
	uint64_t arrived; /* mono ns */
	struct buf body;
	struct store_import *import; /* instead of body, of an upload; NULL: it failed */
	bool uploads;		     /* an upload that was begun: read to its end */
	uint64_t body_seen;
	uint64_t body_announced; /* Content-Length */
	bool refused;		 /* reply is an error found in the headers */
	bool gzip;		 /* the client takes it */
	bool http11;		 /* or later */
	struct reply reply;
	enum request_state state;
	int cancelled; /* atomic: the client has gone, or we stop */
	struct selector *selector;
	struct scrape scrape;
	bool suspends; /* given away: not for the listener's thread until it is R_READY */
	bool answered; /* a scrape that has its profile */
	size_t held;   /* bytes of the answer in srv->held */
	struct request *prev, *next; /* srv->suspended */
	struct request *queue_next;
};

/* A TCP or Unix connection, for deadlines that trickling bytes do not move. */
struct client {
	struct client *prev, *next;
	int fd;
	uint64_t deadline;   /* mono ns, 0 none */
	uint64_t idle_since; /* mono ns, 0: in the middle of a request, or new */
};

struct listener {
	struct http_server *srv;
	struct MHD_Daemon *mhd;
	int fd; /* until MHD owns it */
	bool unix_socket;
	enum host_policy policy;
	char name[140]; /* for messages */
};

struct lane {
	pthread_cond_t wake;
	struct request *head, **tail;
	unsigned int n;
};

struct scrape_end { /* of a scrape that was answered */
	uint64_t end, who;
	uint64_t sent; /* mono ns when the answer was out, UINT64_MAX: on its way, 0: free slot */
	bool used;     /* a scrape has gone on from here */
};

struct http_server {
	struct http_env env;
	struct http_config cfg; /* strings are own copies */
	char machine[256];	/* node name */
	struct buf cert, key;
	struct listener listeners[MAX_LISTENERS];
	unsigned int n_listeners;
	int port;
	/* ns past a scrape's end after which the collector is not coming any more (source gone) */
	uint64_t give_up;
	dev_t socket_dev; /* of the Unix socket that we made */
	ino_t socket_ino;

	/*
	 * All down to the threads. Never held when calling agg, store, env or
	 * MHD_resume_connection; MHD_suspend_connection is called with it: MHD holds
	 * no lock of its own that another thread wants while it is in a callback.
	 */
	pthread_mutex_t lock;
	bool stopping;
	struct request *suspended; /* R_WAITING, R_QUEUED, R_RUNNING */
	unsigned int n_suspended, n_waiting, n_requests;
	struct lane lanes[N_LANES];
	struct client *clients;
	struct scrape_end ends[N_ENDS];
	unsigned int next_end;
	pthread_cond_t timer;	       /* something for the housekeeping thread */
	uint64_t fresh;		       /* mono ns of the last cut made for a query */
	struct categories *categories; /* NULL: the built-in ones */

	pthread_t threads[8];
	unsigned int n_threads;
	/* atomic */
	uint64_t requests, by_class[6], refused_waiting, auth_failures, host_refused, hangups,
		bytes_out, timeouts;
	size_t held;
};

#define COUNT(x) __atomic_fetch_add(&(x), 1, __ATOMIC_RELAXED)

/* listen.c: opens the sockets of cfg into srv->listeners. 0, or -errno with err. */
int listen_open(struct http_server *s, char *err, size_t errlen);
void listen_close(struct http_server *s); /* those MHD does not own, and the socket file */

/* tls.c: reads and checks the pair. 0, or -errno with err. */
int tls_load(struct http_server *s, char *err, size_t errlen);

/* mhd.c: a libmicrohttpd daemon on the listener, with TLS for TCP if there is a pair. */
int mhd_start(struct listener *l, char *err, size_t errlen);

/* request.c, from the listener's thread */
struct request *request_new(struct listener *l, struct MHD_Connection *conn, const char *uri);
void request_free(struct request *req);
/* The headers are in: checks Host, origin, credential, route, method, sizes. */
void request_admit(struct request *req, const char *method);
/*
 * All of it is in: runs the handler and sends, or passes it on. The request
 * may be over or another thread's when this returns.
 */
void request_run(struct request *req);
const char *request_header(const struct request *req, const char *name);
/* Has it shown the credential, or does it need none (auth = none, the Unix socket)? */
bool request_may_know(struct request *req);

/* upload.c, from the listener's thread; a failure turns the request into a refused one */
void upload_begin(struct request *req);
void upload_write(struct request *req, const char *data, size_t n);

/* route.c: never NULL */
const struct route *route_find(const char *path);

/* server.c: a reference to the rules in force, NULL: the built-in ones */
struct categories *http_categories(struct http_server *s);

/* reply.c */
void reply_header(struct reply *r, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Replaces what was in the reply by an error in the dress of the request's family. */
void reply_error(struct request *req, unsigned int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The error of a failed query or export. */
void reply_failed(struct request *req, int r);
/* Status 200 with what stands in reply.body (buf error: 503). */
void reply_ok(struct request *req, const char *type);
/* Compresses reply.body if the client takes it and it is worth it. */
void reply_compress(struct request *req);
/* Gives the reply to MHD (listener's thread); no status: MHD_NO, which hangs up. */
enum MHD_Result reply_send(struct request *req);

/* answer.c: a sink into reply.body, bounded, that ends when the client is gone */
struct answer {
	struct request *req;
	struct gzip_sink *gz;
	struct sink sink; /* write here */
};
int answer_begin(struct answer *a, struct request *req, bool gzip); /* 0 or -ENOMEM */
/* r: what the writer came to; gives the end's own error if that was 0. */
int answer_end(struct answer *a, int r);

/* work.c */
int work_start(struct http_server *s);
/*
 * Suspends the connection and puts the request into state R_WAITING (lane
 * LANE_NONE) or into the queue of a lane. When there is no room or the server
 * stops, the reply says so instead and req->suspends stays false. Listener's
 * thread.
 */
void work_suspend(struct request *req, enum lane_id lane);
/* lock held: from R_WAITING to the queue of the heavy lane */
void work_queue_locked(struct request *req);
/* lock held: R_WAITING is over without work; then work_resume without the lock */
void work_unlink_locked(struct request *req);
/* The reply is there; req is the listener's thread's again. */
void work_resume(struct request *req);
/* One request or a chain of unlinked ones (queue_next) */
void work_resume_all(struct request *chain);

/* waiting.c */
void scrape_begin(struct request *req, uint64_t seconds);
/* lock held: requests whose end is closed go to the workers */
void scrape_closed_locked(struct http_server *s, uint64_t closed);
/*
 * lock held: is it time to ask the collector again? Gives the next time to
 * look in *next (lowered only), and those that waited in vain as a chain with
 * their reply.
 */
bool scrape_due_locked(struct http_server *s, uint64_t now, uint64_t *next, struct request **late);
/* worker: the profile is made; the next scrape of the same client goes on at its end */
void scrape_answered(struct request *req);
/* the request is over; sent: the client has the whole answer */
void scrape_over(struct request *req, bool sent);

/* housekeeping.c: the thread's function, arg is the server */
void *housekeeping(void *arg);

/* client.c */
struct client *client_new(struct http_server *s, int fd);  /* NULL: no memory; the fd is shut */
void client_free(struct http_server *s, struct client *c); /* NULL is fine */
void client_deadline(struct request *req, uint64_t ns);	   /* from now, 0: none */
/* The request is over, the connection is kept for the next one. */
void client_idle(struct request *req, uint64_t ns);
/* lock held: shuts connections whose deadline has passed */
void client_expire_locked(struct http_server *s, uint64_t now);
/* lock held: finds suspended requests whose client has gone; gives those to resume as a chain */
struct request *client_poll_locked(struct http_server *s);

/* handlers */
void page_handler(struct request *req);
void healthy_handler(struct request *req);
void ready_handler(struct request *req);
void metrics_handler(struct request *req);
void pprof_index(struct request *req);
void pprof_redirect(struct request *req);
void pprof_cmdline(struct request *req);
void pprof_symbol(struct request *req);
void pprof_profile(struct request *req);	/* starts the wait */
void pprof_profile_encode(struct request *req); /* worker */
void pprof_unknown(struct request *req);
void api_profile(struct request *req);
void api_diff(struct request *req);
void api_processes(struct request *req);
void api_targets(struct request *req);
void api_status(struct request *req);
void api_label_names(struct request *req);
void api_label_values(struct request *req);
void api_series(struct request *req);
void api_services(struct request *req);
void api_tiers(struct request *req);
void api_events(struct request *req);
void api_pins(struct request *req);
void api_export(struct request *req);
void api_import(struct request *req);
void api_unknown(struct request *req);
void querier_handler(struct request *req);
void pyroscope_render(struct request *req);
void pyroscope_render_diff(struct request *req);
void pyroscope_label_values(struct request *req);

#endif
