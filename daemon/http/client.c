// SPDX-License-Identifier: GPL-2.0
/*
 * Connections, seen from outside of libmicrohttpd. It forgets two things: a
 * client that sends a byte now and then is never idle, so each step of a
 * request has a deadline here; and nobody looks at the socket of a suspended
 * connection, so hang-ups are polled for. Expired connections are shut down,
 * not closed: the listener's thread notices and cleans up.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "http/internal.h"

#define POLL_BATCH 256
#define LEFT_NS	   (NSEC_PER_SEC / 2)

struct client *client_new(struct http_server *s, int fd)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c) {
		shutdown(fd, SHUT_RDWR);
		return NULL;
	}
	c->fd = fd;
	c->deadline = mono_now() + s->cfg.request_timeout * NSEC_PER_SEC;
	pthread_mutex_lock(&s->lock);
	c->next = s->clients;
	if (c->next)
		c->next->prev = c;
	s->clients = c;
	pthread_mutex_unlock(&s->lock);
	return c;
}

void client_free(struct http_server *s, struct client *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&s->lock);
	if (c->prev)
		c->prev->next = c->next;
	else
		s->clients = c->next;
	if (c->next)
		c->next->prev = c->prev;
	pthread_mutex_unlock(&s->lock);
	free(c);
}

void client_deadline(struct request *req, uint64_t ns)
{
	struct http_server *s = req->srv;

	if (!req->client)
		return;
	pthread_mutex_lock(&s->lock);
	req->client->deadline = ns ? mono_now() + ns : 0;
	req->client->idle_since = 0;
	pthread_mutex_unlock(&s->lock);
}

void client_idle(struct request *req, uint64_t ns)
{
	client_deadline(req, ns);
	if (!req->client)
		return;
	pthread_mutex_lock(&req->srv->lock);
	req->client->idle_since = mono_now();
	pthread_mutex_unlock(&req->srv->lock);
}

/*
 * A kept connection whose client shut its sending side before the last answer
 * was out: MHD was told so while it did not look, and is not told again.
 */
static bool is_left(const struct client *c, uint64_t now)
{
	struct pollfd p = { c->fd, POLLRDHUP, 0 };

	return c->idle_since && now > c->idle_since + LEFT_NS && poll(&p, 1, 0) > 0;
}

void client_expire_locked(struct http_server *s, uint64_t now)
{
	for (struct client *c = s->clients; c; c = c->next) {
		bool late = c->deadline && c->deadline <= now;

		if (!late && !is_left(c, now))
			continue;
		if (late && !c->idle_since) /* an idle one is only let go */
			COUNT(s->timeouts);
		c->deadline = 0;
		c->idle_since = 0;
		shutdown(c->fd, SHUT_RDWR);
	}
}

/* As Go's server: a client that has shut its sending side has gone. */
static void client_gone(struct request *req, struct request **chain)
{
	struct http_server *s = req->srv;

	if (__atomic_exchange_n(&req->cancelled, 1, __ATOMIC_RELEASE))
		return;
	COUNT(s->hangups);
	if (req->state != R_WAITING) /* a worker sees it and gives the request back */
		return;
	work_unlink_locked(req);
	reply_failed(req, -ECANCELED);
	req->queue_next = *chain;
	*chain = req;
}

struct request *client_poll_locked(struct http_server *s)
{
	struct request *req = s->suspended, *chain = NULL;
	struct request *who[POLL_BATCH];
	struct pollfd fds[POLL_BATCH];

	while (req) {
		nfds_t n = 0;

		for (; req && n < POLL_BATCH; req = req->next) {
			if (!req->client)
				continue;
			who[n] = req;
			fds[n++] = (struct pollfd){ req->client->fd, POLLRDHUP, 0 };
		}
		if (n && poll(fds, n, 0) <= 0)
			continue;
		for (nfds_t i = 0; i < n; i++)
			if (fds[i].revents & (POLLRDHUP | POLLHUP | POLLERR))
				client_gone(who[i], &chain);
	}
	return chain;
}
