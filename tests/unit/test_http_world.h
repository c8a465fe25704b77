/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An HTTP server over the real aggregator, store, query and exporters, with a
 * collector of the test's own: every millisecond that is a multiple of a
 * million nanoseconds has one sample of 1 ms, from two processes in turn. So N
 * seconds between any two boundaries hold exactly 1000 N samples.
 *
 * The process table is a fake of two processes; the linker takes it instead
 * of the library's.
 */
#ifndef RINGPROF_TESTS_HTTP_WORLD_H
#define RINGPROF_TESTS_HTTP_WORLD_H

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ringprof.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "agg/agg.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "http/internal.h"
#include "http/metrics.h"
#include "proc/ptable.h"
#include "source/source.h"
#include "tap.h"

#define TOKEN	  "s3cret"
#define AUTH	  "Authorization: Bearer " TOKEN "\r\n"
#define STEP_NS	  NSEC_PER_MSEC
#define PIDS	  2
#define KERNEL_PC 0xffffffff81000000ULL

struct ptable {
	struct process procs[PIDS];
};

struct world {
	struct http_server *s;
	struct agg *agg;
	struct chains *chains;
	struct symbols *symbols;
	struct files *files;
	struct store *store;
	struct ptable table;
	struct http_config cfg;
	pthread_t collector;
	int stop, dead, kicks; /* atomic */
	const char *not_ready;
	uint64_t lost; /* atomic: samples that found the ring full, so far */
	uint64_t next; /* time of the next sample */
};

void ptable_event(struct ptable *t, const struct event *ev)
{
}

struct process *ptable_sample(struct ptable *t, const struct event *ev)
{
	return &t->procs[ev->pid % PIDS];
}

struct mapping *process_map_at(struct ptable *t, struct process *p, uint64_t addr)
{
	return NULL;
}

static void one_sample(struct world *w, uint64_t t)
{
	struct event ev = {
		.time = t,
		.type = EV_SAMPLE,
		.pid = (int)(t / STEP_NS % PIDS),
		.sample = { .leaf = KERNEL_PC + t / STEP_NS % 4 * 16,
			    .weight = STEP_NS,
			    .flags = RINGPROF_SAMPLE_KERNEL },
	};

	ev.tid = ev.pid;
	agg_event(w->agg, &ev);
}

static void *collect(void *arg)
{
	static const struct source_info info = { .period = STEP_NS, .cpus = 1, .hz = 1000 };
	const struct timespec nap = { .tv_nsec = 10 * 1000000 };
	struct source_counters counters = { 0 };
	struct world *w = arg;

	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		uint64_t upto = mono_now() - SOURCE_LAG_NS;

		if (!__atomic_load_n(&w->dead, __ATOMIC_ACQUIRE)) {
			for (; w->next < upto; w->next += STEP_NS)
				one_sample(w, w->next);
			counters.outcome[RINGPROF_LOST_RING_FULL] =
				__atomic_load_n(&w->lost, __ATOMIC_RELAXED);
			agg_advance(w->agg, upto, &counters, &info);
		}
		nanosleep(&nap, NULL);
	}
	return NULL;
}

static void world_kick(void *arg)
{
	__atomic_add_fetch(&((struct world *)arg)->kicks, 1, __ATOMIC_RELAXED);
}

static void world_metrics(void *arg, bool names, struct buf *b)
{
	metrics_family(b, "ringprof_kicks_total", METRIC_COUNTER, "Kicks.");
	metrics_u64(b, "ringprof_kicks_total", 1, NULL);
}

static void world_status(void *arg, struct buf *b)
{
	buf_puts(b, "{\"status\":\"fine\"}");
}

static const char *world_not_ready(void *arg)
{
	return ((struct world *)arg)->not_ready;
}

static int world_serve(struct world *w, char *err, size_t errlen)
{
	const struct http_env env = {
		.query = { .store = w->store, .symbols = w->symbols },
		.agg = w->agg,
		.kick = world_kick,
		.metrics = world_metrics,
		.status = world_status,
		.not_ready = world_not_ready,
		.arg = w,
	};

	return http_start(&w->s, &w->cfg, &env, err, errlen);
}

static void world_parts(struct world *w)
{
	static const struct agg_config ac = { .max_model_bytes = 16 << 20, .host = "h" };
	static const struct store_config sc = { .max_age = 600 * NSEC_PER_SEC,
						.max_bytes = 64 << 20 };
	static const char *const names[PIDS] = { "web", "db \"2\"" };

	memset(w, 0, sizeof(*w));
	w->chains = chains_new(1 << 20);
	w->files = files_new(1 << 20);
	w->symbols = symbols_new(&(struct symbols_config){ .max_bytes = 32 << 20 }, w->files);
	w->store = store_new(&sc);
	w->agg = agg_new(&ac, w->chains, w->symbols, w->store);
	for (int i = 0; i < PIDS; i++) {
		w->table.procs[i].pid = i;
		w->table.procs[i].labels = (struct process_labels){ .service_name = names[i],
								    .comm = names[i],
								    .exe = "/bin/x",
								    .cgroup = "/",
								    .user = "root" };
	}
	agg_set_ptable(w->agg, &w->table);
	w->cfg = (struct http_config){
		.listen = "127.0.0.1:0", .token = TOKEN, .max_waiting = 4, .max_seconds = 100
	};
}

/* Serves and collects; change w->cfg between world_parts and this. */
static void world_start(struct world *w)
{
	char err[512] = "";

	w->next = (mono_now() / STEP_NS + 1) * STEP_NS;
	if (world_serve(w, err, sizeof(err)))
		TAP_FAIL("%s", err);
	agg_on_close(w->agg, http_windows_closed, w->s);
	if (pthread_create(&w->collector, NULL, collect, w))
		TAP_FAIL("no thread");
}

__attribute__((unused)) static void world_make(struct world *w)
{
	world_parts(w);
	world_start(w);
}

static void world_free(struct world *w)
{
	__atomic_store_n(&w->stop, 1, __ATOMIC_RELEASE);
	if (w->collector)
		pthread_join(w->collector, NULL);
	http_stop(w->s);
	for (int i = 0; i < PIDS; i++)
		agg_process_freed(w->agg, &w->table.procs[i]);
	agg_free(w->agg);
	store_free(w->store);
	symbols_free(w->symbols);
	files_free(w->files);
	chains_free(w->chains);
}

struct answer_got {
	int status;
	char *all; /* headers, NUL, body */
	char *body;
	size_t body_len;
};

static int dial_port(int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct timeval tv = { .tv_sec = 40 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (connect(fd, (struct sockaddr *)&in, sizeof(in)))
		TAP_FAIL("connect: %s", strerror(errno));
	return fd;
}

static int dial(const struct world *w)
{
	return dial_port(http_port(w->s));
}

static void say(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return; /* what comes back tells */
		text += n;
		len -= (size_t)n;
	}
}

/* Reads to the end of the connection. status 0: nothing came. */
static void hear(int fd, struct answer_got *a)
{
	struct buf b = { 0 };
	char part[16384];
	ssize_t n;

	memset(a, 0, sizeof(*a));
	while ((n = recv(fd, part, sizeof(part), 0)) > 0)
		buf_append(&b, part, (size_t)n);
	close(fd);
	if (!b.len || sscanf(b.data, "HTTP/1.1 %d ", &a->status) != 1) {
		buf_free(&b);
		return;
	}
	a->all = b.data;
	a->body = strstr(b.data, "\r\n\r\n");
	if (!a->body)
		TAP_FAIL("no end of headers: %s", b.data);
	a->body[2] = '\0';
	a->body += 4;
	a->body_len = b.len - (size_t)(a->body - b.data);
}

static void heard(struct answer_got *a)
{
	free(a->all);
	a->all = NULL;
}

static void put_request(int fd, const char *method, const char *path, const char *headers,
			const char *body, size_t body_len)
{
	struct buf b = { 0 };

	buf_printf(&b, "%s %s HTTP/1.1\r\n%s%sConnection: close\r\n", method, path,
		   strstr(headers, "Host:") ? "" : "Host: localhost\r\n", headers);
	if (body)
		buf_printf(&b, "Content-Length: %zu\r\n", body_len);
	buf_puts(&b, "\r\n");
	say(fd, b.data, b.len);
	if (body)
		say(fd, body, body_len);
	buf_free(&b);
}

static void ask_with(const struct world *w, const char *method, const char *path,
		     const char *headers, struct answer_got *a)
{
	int fd = dial(w);

	put_request(fd, method, path, headers, NULL, 0);
	hear(fd, a);
}

__attribute__((unused)) static void ask(const struct world *w, const char *path,
					struct answer_got *a)
{
	ask_with(w, "GET", path, AUTH, a);
}

__attribute__((unused)) static bool has(const struct answer_got *a, const char *header_line)
{
	char line[512];

	snprintf(line, sizeof(line), "\r\n%s\r\n", header_line);
	return a->all && strstr(a->all, line);
}

__attribute__((unused)) static void nap_ms(unsigned int ms)
{
	const struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

#endif
