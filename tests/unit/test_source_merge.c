// SPDX-License-Identifier: GPL-2.0
/* Streams of events to one, and the sets of pids and CPUs. */
#include <errno.h>
#include <stdlib.h>

#include "source/cpus.h"
#include "source/merge.h"
#include "source/pidset.h"
#include "tap.h"

#define MAX_OUT 4096

struct list {
	struct stream stream;
	const uint64_t *times;
	size_t n, pos;
	int id, again; /* say -EAGAIN at this delivery */
};

static struct {
	uint64_t time;
	int id;
} out[MAX_OUT];
static size_t n_out;

static bool list_next(struct stream *s)
{
	struct list *l = (struct list *)s;

	if (l->pos == l->n)
		return false;
	s->time = l->times[l->pos++];
	return true;
}

static int list_deliver(struct stream *s)
{
	struct list *l = (struct list *)s;

	if (l->again && !--l->again)
		return -EAGAIN;
	CHECK(n_out < MAX_OUT);
	out[n_out].time = s->time;
	out[n_out++].id = l->id;
	return 0;
}

static const struct stream_ops list_ops = { list_next, list_deliver };

static struct list list(int id, const uint64_t *times, size_t n)
{
	return (struct list){ .stream.ops = &list_ops, .times = times, .n = n, .id = id };
}

TEST(oldest_first_and_equal_times_in_order_of_adding)
{
	static const uint64_t a[] = { 1, 5, 9 }, b[] = { 2, 5, 5, 20 }, c[] = { 5 };
	struct list l[3] = { list(0, a, 3), list(1, b, 4), list(2, c, 1) };
	static const int want[] = { 0, 1, 0, 1, 1, 2, 0 };
	struct merge m = { 0 };

	n_out = 0;
	for (int i = 0; i < 3; i++)
		CHECK_EQ(merge_add(&m, &l[i].stream), 0);
	merge_run(&m, 20);
	CHECK_EQ(n_out, 7);
	for (int i = 0; i < 7; i++)
		CHECK_EQ(out[i].id, want[i]);
	CHECK_EQ(m.upto, 20);
	/* what was not due is delivered by the next round */
	CHECK_EQ(merge_add(&m, &l[1].stream), 0);
	merge_run(&m, 21);
	CHECK_EQ(n_out, 8);
	CHECK_EQ(out[7].time, 20);
	CHECK_EQ(m.late, 0);
	merge_free(&m);
}

TEST(the_order_holds_over_rounds_whatever_the_times)
{
	enum { STREAMS = 40, EACH = 80 };
	static uint64_t times[STREAMS][EACH];
	static struct list l[STREAMS];
	struct merge m = { 0 };
	uint64_t x = 42;

	n_out = 0;
	for (int s = 0; s < STREAMS; s++) {
		for (int i = 0; i < EACH; i++) {
			x = x * 6364136223846793005ULL + 1442695040888963407ULL;
			times[s][i] = (uint64_t)i * 10 + (x >> 60); /* not quite in order */
		}
		l[s] = list(s, times[s], EACH);
	}
	for (uint64_t upto = 100; upto <= 1000; upto += 100) {
		for (int s = 0; s < STREAMS; s++)
			CHECK_EQ(merge_add(&m, &l[s].stream), 0);
		merge_run(&m, upto);
		CHECK_EQ(m.upto, upto);
		CHECK(!n_out || out[n_out - 1].time < upto);
	}
	CHECK_EQ(n_out, STREAMS * EACH);
	for (size_t i = 1; i < n_out; i++)
		CHECK(out[i - 1].time <= out[i].time);
	merge_free(&m);
}

TEST(late_events_are_counted_and_come_at_once)
{
	static const uint64_t a[] = { 50 }, b[] = { 10, 60 };
	struct list l[2] = { list(0, a, 1), list(1, b, 2) };
	struct merge m = { 0 };

	n_out = 0;
	merge_add(&m, &l[0].stream);
	merge_run(&m, 55);
	merge_add(&m, &l[1].stream);
	merge_run(&m, 100);
	CHECK_EQ(n_out, 3);
	CHECK_EQ(out[1].time, 55);
	CHECK_EQ(out[2].time, 60);
	CHECK_EQ(m.late, 1);
	merge_free(&m);
}

TEST(again_ends_the_round_and_loses_nothing)
{
	static const uint64_t a[] = { 1, 4, 7 }, b[] = { 2, 5, 8 };
	struct list l[2] = { list(0, a, 3), list(1, b, 3) };
	struct merge m = { 0 };

	n_out = 0;
	l[0].again = 2;
	for (int i = 0; i < 2; i++)
		merge_add(&m, &l[i].stream);
	merge_run(&m, 100);
	CHECK_EQ(n_out, 2);
	CHECK_EQ(m.upto, 4);
	for (int i = 0; i < 2; i++)
		merge_add(&m, &l[i].stream);
	merge_run(&m, 100);
	CHECK_EQ(n_out, 6);
	for (size_t i = 1; i < n_out; i++)
		CHECK(out[i - 1].time < out[i].time);
	CHECK_EQ(m.late, 0);
	merge_free(&m);
}

TEST(pids_follow_forks_and_strangers_take_them_over)
{
	pid_t me = 10;
	struct pidset s;
	struct event ev = { .type = EV_FORK, .pid = 11, .tid = 11, .fork = { 10, 10 } };

	CHECK_EQ(pidset_init(&s, NULL, 0), 0);
	CHECK(pidset_has(&s, 5) && pidset_has(&s, -1));
	pidset_fork(&s, &ev);
	CHECK_EQ(pidset_init(&s, &me, 1), 0);
	CHECK(pidset_has(&s, 10) && !pidset_has(&s, 11) && !pidset_has(&s, -1));
	pidset_fork(&s, &ev);
	CHECK(pidset_has(&s, 11));
	ev.fork.ppid = 99;
	pidset_fork(&s, &ev);
	CHECK(!pidset_has(&s, 11));
	/* a thread of its own is no fork */
	ev = (struct event){ .type = EV_FORK, .pid = 10, .tid = 12, .fork = { 10, 10 } };
	pidset_fork(&s, &ev);
	CHECK(pidset_has(&s, 10));
	ev.pid = INT32_MAX;
	ev.fork.ppid = INT32_MIN;
	pidset_fork(&s, &ev);
	pidset_free(&s);
	me = 0;
	CHECK_EQ(pidset_init(&s, &me, 1), -EINVAL);
	me = PIDSET_MAX;
	CHECK_EQ(pidset_init(&s, &me, 1), -EINVAL);
}

TEST(cpu_lists)
{
	static const char *const bad[] = { "",	      "a",    "1-",
					   "3-1",     "1,,2", "1 2",
					   "8192",    "-1",   "0-9999999999999999999999",
					   "(null)\n" };
	struct cpu_mask m;

	CHECK_EQ(cpus_parse("0-3,8\n", &m), 0);
	for (uint32_t i = 0; i < CPUS_MAX; i++)
		CHECK_EQ(cpu_isset(&m, i), i < 4 || i == 8);
	CHECK(!cpu_isset(&m, CPUS_MAX) && !cpu_isset(&m, UINT32_MAX));
	CHECK_EQ(cpus_parse("8191", &m), 0);
	CHECK(cpu_isset(&m, 8191));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!cpus_parse(bad[i], &m))
			TAP_FAIL("\"%s\" was taken", bad[i]);
	CHECK_EQ(cpus_online(&m), 0);
	CHECK(cpus_possible() >= 1 && cpus_possible() <= CPUS_MAX);
}

int main(void)
{
	return tap_main();
}
