// SPDX-License-Identifier: GPL-2.0
/*
 * Start and stop of the HTTP side. Its threads:
 *
 *   one per listener  libmicrohttpd's: accept, parse, check, send (mhd.c,
 *                     request.c, reply.c, page.c)
 *   2 heavy workers   queries and profiles (api_profile.c, pprof.c)
 *   1 light worker    short answers that take somebody's lock (metrics.c, api.c)
 *   housekeeping      kicks the collector when scrapes end, polls for hang-ups,
 *                     deadlines (housekeeping.c, waiting.c, client.c)
 *   the collector     comes in by http_windows_closed()
 *
 * A listener never waits for anybody: what takes time is suspended and passed
 * to a worker (work.c). One lock guards the lists between them.
 */
#include "http/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cond.h"
#include "http/internal.h"
#include "query/category.h"

#define DEFAULT_WAITING	    256
#define DEFAULT_MAX_SECONDS 3600
#define DEFAULT_TIMEOUT_S   15
#define GIVE_UP_NS	    (15 * NSEC_PER_SEC)
#define STOP_GRACE_NS	    (500 * NSEC_PER_MSEC)

static bool copy_text(const char **s)
{
	if (!*s)
		return true;
	*s = strdup(*s);
	return *s;
}

static int copy_config(struct http_server *s, const struct http_config *cfg)
{
	struct http_config *c = &s->cfg;
	bool ok;

	*c = *cfg;
	c->listen_fds = NULL;
	ok = copy_text(&c->listen);
	ok &= copy_text(&c->unix_socket);
	ok &= copy_text(&c->tls_cert);
	ok &= copy_text(&c->tls_key);
	ok &= copy_text(&c->token);
	ok &= copy_text(&c->allowed_hosts);
	c->listen_fds = cfg->listen_fds;
	if (!c->max_waiting)
		c->max_waiting = DEFAULT_WAITING;
	if (!c->max_seconds)
		c->max_seconds = DEFAULT_MAX_SECONDS;
	if (!c->request_timeout)
		c->request_timeout = DEFAULT_TIMEOUT_S;
	return ok ? 0 : -ENOMEM;
}

static void free_config(struct http_config *c)
{
	if (c->token)
		explicit_bzero((char *)c->token, strlen(c->token));
	free((char *)c->listen);
	free((char *)c->unix_socket);
	free((char *)c->tls_cert);
	free((char *)c->tls_key);
	free((char *)c->token);
	free((char *)c->allowed_hosts);
}

static void init_locks(struct http_server *s)
{
	cond_init(&s->timer);
	pthread_mutex_init(&s->lock, NULL);
	for (size_t i = 0; i < N_LANES; i++) {
		pthread_cond_init(&s->lanes[i].wake, NULL);
		s->lanes[i].tail = &s->lanes[i].head;
	}
}

static int start(struct http_server *s, const struct http_config *cfg, char *err, size_t errlen)
{
	int r = copy_config(s, cfg);

	if (!r && gethostname(s->machine, sizeof(s->machine) - 1))
		s->machine[0] = '\0';
	if (!r)
		r = tls_load(s, err, errlen);
	if (!r)
		r = listen_open(s, err, errlen);
	if (!r)
		r = work_start(s);
	for (unsigned int i = 0; !r && i < s->n_listeners; i++)
		r = mhd_start(&s->listeners[i], err, errlen);
	return r;
}

int http_start(struct http_server **ret, const struct http_config *cfg, const struct http_env *env,
	       char *err, size_t errlen)
{
	struct http_server *s = calloc(1, sizeof(*s));
	int r;

	*err = '\0';
	if (!s) {
		snprintf(err, errlen, "HTTP server: out of memory");
		return -ENOMEM;
	}
	s->env = *env;
	s->give_up = GIVE_UP_NS;
	init_locks(s);
	r = start(s, cfg, err, errlen);
	if (r) {
		if (!*err)
			snprintf(err, errlen, "HTTP server: %s", strerror(-r));
		http_stop(s);
		return r;
	}
	s->cfg.listen_fds = NULL;
	*ret = s;
	return 0;
}

static void stop_threads(struct http_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->timer);
	for (size_t i = 0; i < N_LANES; i++)
		pthread_cond_broadcast(&s->lanes[i].wake);
	pthread_mutex_unlock(&s->lock);
	for (unsigned int i = 0; i < s->n_threads; i++)
		pthread_join(s->threads[i], NULL);
}

/* Those who were told that we stop should be able to read it; not for long. */
static void let_finish(struct http_server *s)
{
	const struct timespec nap = { .tv_nsec = 10 * NSEC_PER_MSEC };
	uint64_t end = mono_now() + STOP_GRACE_NS;
	unsigned int n;

	do {
		pthread_mutex_lock(&s->lock);
		n = s->n_requests;
		pthread_mutex_unlock(&s->lock);
		if (n)
			nanosleep(&nap, NULL);
	} while (n && mono_now() < end);
}

void http_stop(struct http_server *s)
{
	if (!s)
		return;
	stop_threads(s);
	let_finish(s);
	for (unsigned int i = 0; i < s->n_listeners; i++)
		if (s->listeners[i].mhd)
			MHD_stop_daemon(s->listeners[i].mhd);
	listen_close(s);
	if (s->key.data)
		explicit_bzero(s->key.data, s->key.len);
	buf_free(&s->cert);
	buf_free(&s->key);
	free_config(&s->cfg);
	categories_unref(s->categories);
	pthread_cond_destroy(&s->timer);
	for (size_t i = 0; i < N_LANES; i++)
		pthread_cond_destroy(&s->lanes[i].wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void http_windows_closed(void *server, uint64_t closed)
{
	struct http_server *s = server;

	pthread_mutex_lock(&s->lock);
	scrape_closed_locked(s, closed);
	pthread_mutex_unlock(&s->lock);
}

void http_set_categories(struct http_server *s, struct categories *c)
{
	struct categories *old;

	pthread_mutex_lock(&s->lock);
	old = s->categories;
	s->categories = c;
	pthread_mutex_unlock(&s->lock);
	categories_unref(old);
}

struct categories *http_categories(struct http_server *s)
{
	struct categories *c;

	pthread_mutex_lock(&s->lock);
	c = categories_ref(s->categories);
	pthread_mutex_unlock(&s->lock);
	return c;
}

static uint64_t load(const uint64_t *v)
{
	return __atomic_load_n(v, __ATOMIC_RELAXED);
}

void http_counters(const struct http_server *server, struct http_counters *ret)
{
	/* only the lock is written to */
	struct http_server *s = (struct http_server *)server;

	*ret = (struct http_counters){
		.requests = load(&s->requests),
		.refused_waiting = load(&s->refused_waiting),
		.auth_failures = load(&s->auth_failures),
		.host_refused = load(&s->host_refused),
		.hangups = load(&s->hangups),
		.bytes_out = load(&s->bytes_out),
		.timeouts = load(&s->timeouts),
	};
	for (size_t i = 0; i < 6; i++)
		ret->responses_by_class[i] = load(&s->by_class[i]);
	pthread_mutex_lock(&s->lock);
	ret->waiting = s->n_waiting;
	pthread_mutex_unlock(&s->lock);
}

int http_port(const struct http_server *s)
{
	return s->port;
}
