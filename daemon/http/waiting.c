// SPDX-License-Identifier: GPL-2.0
/*
 * Scrapes that wait for their range to pass. A scrape is [start, end) of the
 * event clock, and both are window boundaries asked for in advance, so that
 * what it gets is exactly what was sampled then.
 *
 * Readers that scrape back to back (Parca; Alloy with a delta) ask again a few
 * milliseconds after an answer. Starting at "now" would lose those; so the end
 * of each answered scrape is remembered, and the next one goes on there:
 *   - of the same reader (address, user agent, query string), when it asks
 *     within BACK_TO_BACK_NS of having got the answer;
 *   - else the latest end of anybody, when that was within BACK_TO_BACK_NS.
 * The same reader may run several scrapes at once: it takes over its own ends
 * one by one, oldest first.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/clock.h"
#include "http/internal.h"

#define KICK_AGAIN_NS (50 * NSEC_PER_MSEC)
#define CUT_TRIES     3

/* Who asks for what; the port of the peer changes and says nothing. */
static uint64_t identity(const struct request *req)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(req->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = info ? info->client_addr : NULL;
	const char *agent = request_header(req, "User-Agent");
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;
	uint64_t h = XXH3_64bits(req->query, strlen(req->query));

	if (agent)
		h = XXH3_64bits_withSeed(agent, strlen(agent), h);
	if (sa && sa->sa_family == AF_INET)
		h = XXH3_64bits_withSeed(&v4->sin_addr, sizeof(v4->sin_addr), h);
	if (sa && sa->sa_family == AF_INET6)
		h = XXH3_64bits_withSeed(&v6->sin6_addr, sizeof(v6->sin6_addr), h);
	return h;
}

/* Signed: another listener's thread may note the sending after the next request came. */
static bool soon_after(uint64_t t, const struct request *req)
{
	return (int64_t)(req->arrived - t) <= (int64_t)BACK_TO_BACK_NS;
}

static bool is_own(const struct scrape_end *e, const struct request *req)
{
	return e->sent && e->who == req->scrape.who &&
	       (e->sent == UINT64_MAX || soon_after(e->sent, req));
}

static bool is_recent(const struct scrape_end *e, const struct request *req)
{
	return e->sent && soon_after(e->end, req);
}

/* The end to go on from; NULL: none. Lock held. */
static struct scrape_end *find_end(struct http_server *s, const struct request *req)
{
	struct scrape_end *own = NULL, *any = NULL;

	for (size_t i = 0; i < N_ENDS; i++) {
		struct scrape_end *e = &s->ends[i];

		if (is_own(e, req) && !e->used && (!own || e->end < own->end))
			own = e;
		if ((is_own(e, req) || is_recent(e, req)) && (!any || e->end > any->end))
			any = e;
	}
	return own ? own : any;
}

/* Fills start and end from an earlier scrape's end; false: there is none, or it is too long ago. */
static bool go_on(struct request *req, uint64_t ns)
{
	struct http_server *s = req->srv;
	struct scrape_end *e;
	bool found;

	pthread_mutex_lock(&s->lock);
	e = find_end(s, req);
	found = e;
	if (e) {
		e->used = true;
		req->scrape.start = e->end;
	}
	pthread_mutex_unlock(&s->lock);
	req->scrape.end = req->scrape.start + ns;
	return found && !agg_cut(s->env.agg, req->scrape.end);
}

/* Asks for the boundaries; 0 or what agg_cut said. */
static int cut_range(struct request *req, uint64_t ns)
{
	struct agg *agg = req->srv->env.agg;
	uint64_t t = req->arrived;
	int r = -ERANGE;

	if (go_on(req, ns))
		return 0;
	for (int i = 0; i < CUT_TRIES && r == -ERANGE; i++) {
		r = agg_cut(agg, t);
		if (r == -ERANGE)
			t = mono_now();
	}
	if (!r)
		r = agg_cut(agg, t + ns);
	req->scrape.start = t;
	req->scrape.end = t + ns;
	return r;
}

/* Seconds until the first of the waiting ones is done; 0: there is room. */
static uint64_t room_in(struct http_server *s)
{
	uint64_t first = UINT64_MAX, now = mono_now();
	bool full;

	pthread_mutex_lock(&s->lock);
	full = s->n_waiting >= s->cfg.max_waiting;
	for (const struct request *r = s->suspended; full && r; r = r->next)
		if (r->state == R_WAITING && r->scrape.end < first)
			first = r->scrape.end;
	pthread_mutex_unlock(&s->lock);
	if (!full)
		return 0;
	return first <= now || first == UINT64_MAX ? 1 : (first - now) / NSEC_PER_SEC + 1;
}

void scrape_begin(struct request *req, uint64_t seconds)
{
	struct http_server *s = req->srv;
	uint64_t wait = room_in(s);
	int r;

	if (wait) {
		COUNT(s->refused_waiting);
		reply_error(req, 503, "%u scrapes are waiting already, the limit (max-waiting)",
			    s->cfg.max_waiting);
		reply_header(&req->reply, "Retry-After", "%" PRIu64, wait);
		return;
	}
	req->scrape.who = identity(req);
	r = cut_range(req, seconds * NSEC_PER_SEC);
	if (r) {
		reply_error(req, 503, "no profile can be started now: %s",
			    r == -ENOSPC ? "too many ranges are asked for" : strerror(-r));
		reply_header(&req->reply, "Retry-After", "1");
		return;
	}
	req->scrape.next_kick = req->scrape.end;
	work_suspend(req, LANE_NONE);
}

void scrape_closed_locked(struct http_server *s, uint64_t closed)
{
	struct request *next;

	for (struct request *req = s->suspended; req; req = next) {
		next = req->next;
		if (req->state == R_WAITING && req->scrape.end <= closed)
			work_queue_locked(req);
	}
}

bool scrape_due_locked(struct http_server *s, uint64_t now, uint64_t *next, struct request **late)
{
	struct request *after;
	bool due = false;

	for (struct request *req = s->suspended; req; req = after) {
		after = req->next;
		if (req->state != R_WAITING)
			continue;
		if (now > req->scrape.end + s->give_up) {
			work_unlink_locked(req);
			reply_error(req, 503, "no samples have come for a while; see /-/ready");
			req->queue_next = *late;
			*late = req;
			continue;
		}
		if (req->scrape.next_kick <= now) {
			due = true;
			req->scrape.next_kick = now + KICK_AGAIN_NS;
		}
		if (req->scrape.next_kick < *next)
			*next = req->scrape.next_kick;
	}
	return due;
}

void scrape_answered(struct request *req)
{
	struct http_server *s = req->srv;
	const struct scrape *sc = &req->scrape;

	req->answered = true;
	pthread_mutex_lock(&s->lock);
	s->ends[s->next_end++ % N_ENDS] = (struct scrape_end){
		.end = sc->end,
		.who = sc->who,
		.sent = UINT64_MAX,
	};
	pthread_mutex_unlock(&s->lock);
}

void scrape_over(struct request *req, bool sent)
{
	struct http_server *s = req->srv;

	if (!req->answered)
		return;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < N_ENDS; i++) {
		struct scrape_end *e = &s->ends[i];

		if (e->sent != UINT64_MAX || e->who != req->scrape.who || e->end != req->scrape.end)
			continue;
		e->sent = sent ? mono_now() : 0;
		break;
	}
	pthread_mutex_unlock(&s->lock);
}
