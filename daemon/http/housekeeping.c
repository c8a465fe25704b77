// SPDX-License-Identifier: GPL-2.0
/*
 * One thread that watches the clock for everybody: wakes the collector when a
 * scrape's end has come, drops clients that went away or take too long.
 */
#include <time.h>

#include "base/clock.h"
#include "base/cond.h"
#include "http/internal.h"

#define TICK_NS NSEC_PER_SEC

/* Everybody who waits gets told; lock held, resumed by the caller. */
static struct request *end_waiting_locked(struct http_server *s)
{
	struct request *chain = NULL, *next;

	for (struct request *req = s->suspended; req; req = next) {
		next = req->next;
		__atomic_store_n(&req->cancelled, 1, __ATOMIC_RELEASE);
		if (req->state != R_WAITING)
			continue;
		work_unlink_locked(req);
		reply_error(req, 503, "ringprofd is stopping");
		req->queue_next = chain;
		chain = req;
	}
	return chain;
}

/* One look around; lock held on entry and on return. Gives when to look again. */
static uint64_t look(struct http_server *s, uint64_t *tick)
{
	struct request *late = NULL, *gone = NULL;
	uint64_t now = mono_now(), next;
	bool due;

	if (*tick <= now) {
		client_expire_locked(s, now);
		gone = client_poll_locked(s);
		*tick = now + TICK_NS;
	}
	next = *tick;
	due = scrape_due_locked(s, now, &next, &late);
	if (!due && !late && !gone)
		return next;
	pthread_mutex_unlock(&s->lock);
	work_resume_all(late);
	work_resume_all(gone);
	if (due) {
		s->env.kick(s->env.arg);
		/* in case the hook is not set, or was before the request came */
		http_windows_closed(s, agg_closed(s->env.agg));
	}
	pthread_mutex_lock(&s->lock);
	return 0; /* again at once: who came meanwhile found nobody to signal */
}

void *housekeeping(void *arg)
{
	struct http_server *s = arg;
	struct request *chain;
	uint64_t tick = 0;

	pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		uint64_t next = look(s, &tick);

		if (!s->stopping && next > mono_now())
			cond_wait_until(&s->timer, &s->lock, next);
	}
	chain = end_waiting_locked(s);
	pthread_mutex_unlock(&s->lock);
	work_resume_all(chain);
	return NULL;
}
