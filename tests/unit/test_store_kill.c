// SPDX-License-Identifier: GPL-2.0
/*
 * kill -9 at random moments: a child writes windows and says which are
 * committed; it is killed, and another one goes on. In the end every window
 * that was told of is there, no file was refused, and all tiers hold the same
 * sums. RINGPROF_KILLS says how often (the full proof: 1000).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "store/history.h"
#include "store/store_int.h"
#include "test_store_world.h"

#define SMALL 1

/* Adds windows from `from` on and writes the end of each that is on disk to fd, until it is killed. */
static void child(uint64_t from, int fd)
{
	struct world_model m;
	struct store *s;

	world_model(&m);
	world_clock = from;
	s = world_open(SMALL, 1ULL << 30);
	for (uint64_t t = from;; t += 10 * SEC) {
		uint64_t told = t + 10 * SEC;
		struct history_counters c;

		world_clock = told;
		if (store_add(s, world_window(&m, t, 10 * SEC)))
			_exit(1);
		store_sync(s);
		history_counters(s, &c);
		if (c.windows_lost || write(fd, &told, sizeof(told)) != sizeof(told))
			_exit(1);
	}
}

/* Ends of windows that came out of the pipe so far; the last one, or `last`. */
static uint64_t read_told(int fd, uint64_t last)
{
	uint64_t v;

	while (read(fd, &v, sizeof(v)) == sizeof(v))
		last = v;
	return last;
}

static uint64_t one_life(uint64_t from, unsigned int us)
{
	int fds[2], status;
	struct pollfd p;
	uint64_t last = from;
	pid_t pid;

	CHECK_EQ(pipe(fds), 0);
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		close(fds[0]);
		child(from, fds[1]);
	}
	close(fds[1]);
	/* most are killed while they write, some while they open and recover */
	p = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	if (us % 5)
		poll(&p, 1, 60000);
	usleep(us);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	last = read_told(fds[0], last);
	close(fds[0]);
	return last;
}

struct life {
	uint64_t from, to;
};

/* A life's windows that were told of, and perhaps one that was not. */
static void check_life(struct store *s, struct world_model *m, const struct life *l)
{
	struct world_sums got, want;

	if (l->from == l->to)
		return;
	world_ask(s, l->from, l->to, 10 * SEC, &got, NULL);
	memset(&want, 0, sizeof(want));
	for (uint64_t t = l->from; t < l->to; t += 10 * SEC) {
		struct window *w = world_window(m, t, 10 * SEC);

		world_sum(&want, w);
		window_unref(w);
	}
	world_same(&got, &want);
}

static void same_sums(struct store *s, const struct life *last)
{
	struct world_sums fine, coarse;
	uint64_t to = last->to / (3600 * SEC) * (3600 * SEC);

	world_ask(s, BASE, to, 10 * SEC, &fine, NULL);
	for (int t = 1; t < HISTORY_TIERS; t++) {
		world_ask(s, BASE, to, history_steps[t], &coarse, NULL);
		world_same(&coarse, &fine);
		CHECK(coarse.windows < fine.windows);
	}
}

TEST(nothing_committed_is_lost)
{
	const char *env = getenv("RINGPROF_KILLS");
	unsigned int kills = env ? (unsigned int)atoi(env) : 25;
	struct life *lives = calloc(kills, sizeof(*lives));
	struct history_counters c;
	struct world_model m;
	uint32_t seed = (uint32_t)getpid();
	uint64_t at = BASE, windows = 0;
	struct store *s;

	world_begin();
	/* many lives on a fast disk are weeks of windows: none may go for its age */
	world_least_age = 3650 * DAY;
	for (unsigned int i = 0; i < kills; i++) {
		lives[i].from = at;
		at = one_life(at, world_random(&seed) % 30000);
		lives[i].to = at;
		windows += (at - lives[i].from) / (10 * SEC);
		/* a window that was committed and not told of: room for it */
		at += 60 * SEC;
	}
	world_model(&m);
	world_clock = at;
	s = world_open(SMALL, 1ULL << 30);
	store_sync(s);
	history_counters(s, &c);
	CHECK_EQ(c.refused, 0);
	CHECK_EQ(c.windows_lost, 0);
	for (unsigned int i = 0; i < kills; i++)
		check_life(s, &m, &lives[i]);
	same_sums(s, &lives[kills - 1]);
	printf("# %u kills, %llu windows told of as committed, %llu files\n", kills,
	       (unsigned long long)windows, (unsigned long long)c.files);
	CHECK(windows > kills);
	store_free(s);
	model_unref(m.m);
	free(lives);
	world_end();
}

int main(void)
{
	return tap_main();
}
