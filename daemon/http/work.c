// SPDX-License-Identifier: GPL-2.0
/*
 * Suspended requests and the threads that work for them. A listener's thread
 * suspends the connection and puts the request into a lane; a worker runs the
 * handler and resumes the connection, whose listener then sends the reply. So
 * a long query holds up other queries at most, never a listener.
 */
#include <errno.h>

#include "http/internal.h"

static void link_locked(struct request *req)
{
	struct http_server *s = req->srv;

	req->prev = NULL;
	req->next = s->suspended;
	if (req->next)
		req->next->prev = req;
	s->suspended = req;
}

static void enqueue_locked(struct request *req, enum lane_id id)
{
	struct lane *l = &req->srv->lanes[id];

	req->state = R_QUEUED;
	req->queue_next = NULL;
	*l->tail = req;
	l->tail = &req->queue_next;
	l->n++;
	pthread_cond_signal(&l->wake);
}

void work_unlink_locked(struct request *req)
{
	struct http_server *s = req->srv;

	if (req->prev)
		req->prev->next = req->next;
	else
		s->suspended = req->next;
	if (req->next)
		req->next->prev = req->prev;
	if (req->state == R_WAITING)
		s->n_waiting--;
	req->state = R_READY;
}

void work_queue_locked(struct request *req)
{
	req->srv->n_waiting--;
	enqueue_locked(req, LANE_HEAVY);
}

void work_resume(struct request *req)
{
	MHD_resume_connection(req->conn);
}

void work_resume_all(struct request *chain)
{
	while (chain) {
		struct request *next = chain->queue_next;

		work_resume(chain);
		chain = next;
	}
}

void work_suspend(struct request *req, enum lane_id lane)
{
	struct http_server *s = req->srv;
	const char *why = NULL;

	pthread_mutex_lock(&s->lock);
	if (s->stopping)
		why = "ringprofd is stopping";
	else if (lane != LANE_NONE && s->lanes[lane].n >= MAX_QUEUED)
		why = "too many queries are waiting";
	else if (lane == LANE_NONE && s->n_waiting >= s->cfg.max_waiting)
		why = "too many scrapes are waiting";
	else if (lane == LANE_HEAVY && __atomic_load_n(&s->held, __ATOMIC_RELAXED) > MAX_HELD)
		why = "too many answers are waiting to be read";
	if (!why) {
		MHD_suspend_connection(req->conn);
		req->suspends = true;
		link_locked(req);
		if (lane == LANE_NONE) {
			req->state = R_WAITING;
			s->n_waiting++;
			pthread_cond_signal(&s->timer);
		} else {
			enqueue_locked(req, lane);
		}
	}
	pthread_mutex_unlock(&s->lock);
	if (why) {
		reply_error(req, 503, "%s: try again", why);
		reply_header(&req->reply, "Retry-After", "5");
	}
}

/* The next request of the lane; NULL: the server stops and none is left. */
static struct request *next_job(struct http_server *s, struct lane *l)
{
	struct request *req;

	pthread_mutex_lock(&s->lock);
	while (!l->head && !s->stopping)
		pthread_cond_wait(&l->wake, &s->lock);
	req = l->head;
	if (req) {
		l->head = req->queue_next;
		if (!l->head)
			l->tail = &l->head;
		l->n--;
		req->state = R_RUNNING;
	}
	pthread_mutex_unlock(&s->lock);
	return req;
}

static void run_job(struct request *req)
{
	struct http_server *s = req->srv;
	bool stopping;

	if (__atomic_load_n(&req->cancelled, __ATOMIC_ACQUIRE))
		reply_failed(req, -ECANCELED);
	else if (req->route->lane == LANE_NONE)
		pprof_profile_encode(req);
	else
		req->route->handler(req);
	pthread_mutex_lock(&s->lock);
	work_unlink_locked(req);
	stopping = s->stopping;
	pthread_mutex_unlock(&s->lock);
	if (stopping && !req->reply.status)
		reply_error(req, 503, "ringprofd is stopping");
	work_resume(req);
}

static void work(struct http_server *s, enum lane_id lane)
{
	struct request *req;

	while ((req = next_job(s, &s->lanes[lane])))
		run_job(req);
}

static void *heavy_worker(void *arg)
{
	work(arg, LANE_HEAVY);
	return NULL;
}

static void *light_worker(void *arg)
{
	work(arg, LANE_LIGHT);
	return NULL;
}

int work_start(struct http_server *s)
{
	void *(*const fns[])(void *) = { housekeeping, light_worker, heavy_worker, heavy_worker };

	for (size_t i = 0; i < sizeof(fns) / sizeof(fns[0]); i++) {
		int r = pthread_create(&s->threads[s->n_threads], NULL, fns[i], s);

		if (r)
			return -r;
		s->n_threads++;
	}
	return 0;
}
