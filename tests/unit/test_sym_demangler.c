// SPDX-License-Identifier: GPL-2.0
/*
 * Names made readable by another process: one that dies, one that is slow, one that is
 * not there, and several who ask.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/clock.h"
#include "sym/demangle_read.h"
#include "sym/names.h"
#include "sym/symbols.h"
#include "tap.h"

/* Dies of one name, and sleeps at another, as at one that finds a bug. */
static int demangle_badly(struct reader_conn *c, const struct reader_args *q, struct buf *ret)
{
	if (q->len && strstr(q->data, "killer"))
		__builtin_trap();
	if (q->len && strstr(q->data, "sleeper"))
		pause();
	return demangle_serve(c, q, ret);
}

static const reader_serve_fn ops[READER_OPS] = { [READER_DEMANGLE] = demangle_badly };

struct world {
	struct reader *r;
	struct names *n;
};

static struct world open_world(uint64_t timeout)
{
	const struct reader_config config = { .name = "test",
					      .uid = 65534,
					      .gid = 65534,
					      .max_memory = 1ULL << 30,
					      .timeout = timeout,
					      .slow_twice = true };
	struct world w = { .r = reader_new(&config) };

	w.n = names_new(1 << 20, w.r);
	CHECK(w.r && w.n);
	return w;
}

static void close_world(struct world *w)
{
	names_free(w->n);
	reader_free(w->r);
}

/* As who shows it has it; "later": nobody can tell now. Any thread. */
static const char *readable(struct world *w, const char *name)
{
	struct sym_answer a = { .n = 1 };
	struct sym_line *l = &a.lines[0];

	if (!names_get(w->n, name, true, &l->name, &l->system_name) || strcmp(l->system_name, name))
		return "wrong";
	names_settle(w->n, &a);
	return !a.unsettled ? l->name : strcmp(l->name, name) ? "wrong" : "later";
}

/* The same, for which is waited while nobody can tell. */
static const char *readable_soon(struct world *w, const char *name)
{
	const char *ret = readable(w, name);

	for (int i = 0; i < 300 && !strcmp(ret, "later"); i++, ret = readable(w, name))
		usleep(100000);
	return ret;
}

static struct reader_counters reader_of(struct world *w)
{
	struct reader_counters c;

	reader_counters(w->r, &c);
	return c;
}

static uint64_t put_off(struct world *w)
{
	struct names_counters c;

	names_counters(w->n, &c);
	return c.put_off;
}

/* Until it has ended that many times. */
static void kill_reader(struct world *w, uint64_t deaths)
{
	struct reader_counters c;

	while (c = reader_of(w), c.deaths < deaths) {
		if (c.pid)
			kill(c.pid, SIGKILL);
		while (c.pid && c.pid == reader_of(w).pid)
			usleep(1000);
		usleep(1000);
	}
}

TEST(names_are_asked_about_once)
{
	struct world w = open_world(0);

	CHECK_STR(readable(&w, "_ZN3foo3barEv"), "foo::bar");
	CHECK_STR(readable(&w, "_ZN3foo3barEv"), "foo::bar");
	CHECK_STR(readable(&w, "_Znonsense"), "_Znonsense");
	CHECK_STR(readable(&w, "_Znonsense"), "_Znonsense");
	CHECK_STR(readable(&w, "plain"), "plain");
	CHECK_EQ(reader_of(&w).questions, 2);
	close_world(&w);
}

TEST(who_does_not_wait_costs_no_question)
{
	struct world w = open_world(0);
	const char *name, *system;

	CHECK(names_get(w.n, "_ZN3foo3barEv", true, &name, &system));
	CHECK_STR(name, "_ZN3foo3barEv");
	CHECK_EQ(reader_of(&w).questions, 0);
	CHECK_STR(readable(&w, "_ZN3foo3barEv"), "foo::bar");
	CHECK(names_get(w.n, "_ZN3foo3barEv", true, &name, &system));
	CHECK_STR(name, "foo::bar");
	CHECK_EQ(put_off(&w), 0);
	close_world(&w);
}

TEST(a_name_that_it_dies_of_stands_as_it_is)
{
	struct world w = open_world(0);

	CHECK_STR(readable(&w, "_ZN3foo3barEv"), "foo::bar");
	CHECK_STR(readable(&w, "_Z6killerv"), "_Z6killerv");
	CHECK_STR(readable(&w, "_Z6killerv"), "_Z6killerv");
	CHECK_STR(readable(&w, "_ZN3foo3bazEv"), "foo::baz");
	CHECK_EQ(reader_of(&w).deaths, 1);
	CHECK_EQ(reader_of(&w).refused[READER_CRASHED], 1);
	CHECK_EQ(put_off(&w), 0);
	close_world(&w);
}

TEST(slow_answers_are_paid_for)
{
	struct world w = open_world(300 * NSEC_PER_MSEC);
	uint64_t began = mono_now(), asked;

	CHECK_STR(readable(&w, "_ZN3foo3barEv"), "foo::bar");
	CHECK_STR(readable(&w, "_Z7sleeperv"), "_Z7sleeperv");
	/* twice, for the first time may be an accident */
	CHECK(mono_now() - began >= 600 * NSEC_PER_MSEC);
	CHECK_EQ(reader_of(&w).refused[READER_SLOW], 1);
	CHECK_EQ(reader_of(&w).deaths, 2);
	/* what is known is told, and nobody waits for what is not */
	asked = reader_of(&w).questions;
	CHECK_STR(readable(&w, "_ZN3foo3barEv"), "foo::bar");
	CHECK_STR(readable(&w, "_Z7sleeperv"), "_Z7sleeperv");
	CHECK_STR(readable(&w, "_ZN3foo3bazEv"), "later");
	CHECK_EQ(put_off(&w), 1);
	CHECK_EQ(reader_of(&w).questions, asked);
	CHECK_STR(readable_soon(&w, "_ZN3foo3bazEv"), "foo::baz");
	/* ten times as long, but for what is allowed at once */
	CHECK(mono_now() - began >= 5 * NSEC_PER_SEC);
	close_world(&w);
}

TEST(a_name_is_asked_about_again_when_there_was_no_reader)
{
	struct world w = open_world(0);

	CHECK_STR(readable(&w, "_ZN3foo3barEv"), "foo::bar");
	/* until there is a pause between one and the next */
	kill_reader(&w, 7);
	CHECK_STR(readable(&w, "_ZN3foo3bazEv"), "later");
	CHECK_STR(readable(&w, "_ZN3foo3barEv"), "foo::bar");
	CHECK(put_off(&w) >= 1);
	CHECK_STR(readable_soon(&w, "_ZN3foo3bazEv"), "foo::baz");
	close_world(&w);
}

static void *ask_all(void *arg)
{
	char name[64], want[64];

	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "_ZN3foo4b%03dEv", i % 1000);
		snprintf(want, sizeof(want), "foo::b%03d", i % 1000);
		if (strcmp(readable_soon(arg, name), want))
			return "wrong";
	}
	return NULL;
}

TEST(of_several_who_ask_one_is_answered)
{
	struct world w = open_world(0);
	pthread_t t[4];
	void *ret;

	for (int i = 0; i < 4; i++)
		CHECK(!pthread_create(&t[i], NULL, ask_all, &w));
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &ret);
		CHECK(!ret);
	}
	/* one question a name, but for those that were put off */
	CHECK(reader_of(&w).questions >= 1000);
	CHECK(reader_of(&w).questions <= 1000 + put_off(&w));
	close_world(&w);
}

int main(int argc, char **argv)
{
	if (!strcmp(argv[0], READER_ARGV0)) {
		/* longer than the shortest timeout: no name is to blame for a slow start */
		usleep(400000);
		reader_main(argc, argv, ops);
	}
	return tap_main();
}
