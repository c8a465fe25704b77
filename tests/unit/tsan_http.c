// SPDX-License-Identifier: GPL-2.0
/*
 * The HTTP threads against each other: scrapes that end, scrapes whose client
 * hangs up, queries, metrics, all at once, and a stop in the middle.
 */
#include "test_http_world.h"

#define CLIENTS 6

struct client_job {
	const struct world *w;
	unsigned int seed;
	int done; /* atomic */
	int stop; /* atomic */
};

static void one_request(struct client_job *j)
{
	static const char *const paths[] = {
		"/debug/pprof/profile?seconds=1",
		"/debug/pprof/profile?seconds=9",
		"/api/v1/profile?format=top",
		"/api/v1/profile?format=pprof",
		"/api/v1/processes",
		"/metrics",
		"/-/healthy",
		"/",
	};
	unsigned int i = (unsigned int)rand_r(&j->seed) % 8;
	struct answer_got a;
	int fd = dial(j->w);

	put_request(fd, "GET", paths[i], AUTH, NULL, 0);
	if (i == 1 || rand_r(&j->seed) % 4 == 0) {
		nap_ms((unsigned int)rand_r(&j->seed) % 30);
		close(fd);
		return;
	}
	hear(fd, &a);
	heard(&a);
	__atomic_add_fetch(&j->done, 1, __ATOMIC_RELAXED);
}

static void *client_main(void *arg)
{
	struct client_job *j = arg;

	while (!__atomic_load_n(&j->stop, __ATOMIC_ACQUIRE))
		one_request(j);
	return NULL;
}

static void run(unsigned int ms)
{
	struct client_job jobs[CLIENTS] = { 0 };
	pthread_t threads[CLIENTS];
	struct http_counters c;
	struct world w;
	int done = 0;

	world_make(&w);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		jobs[i].w = &w;
		jobs[i].seed = i + ms;
		CHECK_EQ(pthread_create(&threads[i], NULL, client_main, &jobs[i]), 0);
	}
	nap_ms(ms);
	for (unsigned int i = 0; i < CLIENTS; i++)
		__atomic_store_n(&jobs[i].stop, 1, __ATOMIC_RELEASE);
	http_counters(w.s, &c);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		pthread_join(threads[i], NULL);
		done += jobs[i].done;
	}
	CHECK(done > CLIENTS);
	CHECK(c.requests >= (uint64_t)CLIENTS && c.responses_by_class[2] > 0);
	world_free(&w);
}

TEST(clients_of_every_kind)
{
	run(3000);
}

/* Waiting and running requests of each kind meet the stop. */
TEST(stop_in_the_middle)
{
	static const char *const paths[] = { "/debug/pprof/profile?seconds=9",
					     "/api/v1/profile?format=pprof", "/api/v1/processes" };

	for (int round = 0; round < 6; round++) {
		int fds[12];
		struct world w;

		world_make(&w);
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
			fds[i] = dial(&w);
			put_request(fds[i], "GET", paths[i % 3], AUTH, NULL, 0);
		}
		nap_ms((unsigned int)round * 5);
		world_free(&w);
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
			close(fds[i]);
	}
}

int main(void)
{
	return tap_main();
}
