// SPDX-License-Identifier: GPL-2.0
/* What became of each period of a CPU of perf's: told once, whenever perf tells of it. */
#include "base/clock.h"
#include "source/perf_cpu.h"
#include "test_source_records.h"

#define PERIOD 1000U

struct account {
	struct fake f;
	struct source s;
	struct perf *p;
	struct perf_cpu *c;
};

static void account_new(struct account *a)
{
	*a = (struct account){ .p = calloc(1, sizeof(*a->p) + sizeof(*a->c)) };
	CHECK(a->p);
	a->p->s = &a->s;
	a->p->period = PERIOD;
	a->p->attr.sample_type = PERF_SAMPLING_TYPE;
	a->s.max_time = UINT64_MAX;
	a->c = a->p->cpus;
	perf_cpu_init(a->c, a->p, 0);
	fake_new(&a->f);
	a->c->ring = a->f.ring;
}

static void account_free(struct account *a)
{
	fake_free(&a->f);
	free(a->p);
}

/* A snapshot when the event has been on for that many periods. */
static void account_snapshot(struct account *a, uint64_t periods)
{
	a->c->enabled_before = periods * PERIOD;
	perf_cpu_snapshot(a->c, "");
}

/* A record of that time, with the count of a LOST one. */
static void account_put(struct account *a, uint32_t type, uint64_t time, uint64_t lost)
{
	struct rec r = start(type, 0);

	if (type == PERF_RECORD_LOST) {
		put64(&r, 1);
		put64(&r, lost);
	}
	end_id(&r);
	memcpy(r.p + r.n - 16, &time, sizeof(time));
	for (size_t i = 0; i < r.n; i++)
		((unsigned char *)a->f.ring.data)[a->f.head + i] = r.p[i];
	a->f.head += r.n;
	a->f.ring.page->data_head = a->f.head;
	free(r.p);
}

/* All that is in the ring is read, and the history complete up to now. */
static void account_settle(struct account *a)
{
	perf_ring_note(&a->c->ring);
	CHECK(!a->c->stream.ops->next(&a->c->stream));
	a->s.merge.upto = mono_now();
	perf_cpu_settle(a->c);
}

/* It is told with the next sample that has room: after the snapshot before which it was. */
TEST(a_sample_without_room_is_lost_once)
{
	struct account a;

	account_new(&a);
	account_snapshot(&a, 100);
	account_put(&a, PERF_RECORD_LOST, mono_now() + NSEC_PER_MSEC, 90);
	account_settle(&a);
	CHECK_EQ(a.c->outcome[RINGPROF_LOST_RING_FULL], 90);
	CHECK_EQ(a.c->missed, 10);
	/* of 40 that are told now 30 are from after this one: the next snapshot knows */
	account_snapshot(&a, 120);
	account_put(&a, PERF_RECORD_LOST, mono_now() + NSEC_PER_MSEC, 40);
	account_settle(&a);
	CHECK_EQ(a.c->missed, 10);
	account_snapshot(&a, 155);
	account_settle(&a);
	CHECK_EQ(a.c->outcome[RINGPROF_LOST_RING_FULL], 130);
	CHECK_EQ(a.c->missed, 25);
	account_free(&a);
}

/* Whole, but impossible: a call that became no sample, and so not missed. */
TEST(a_sample_that_cannot_be_is_lost_once)
{
	struct account a;

	account_new(&a);
	account_put(&a, PERF_RECORD_SAMPLE, 0, 0);
	account_snapshot(&a, 1);
	account_settle(&a);
	CHECK_EQ(a.c->lost_samples, 1);
	CHECK_EQ(a.c->corrupt, 32);
	CHECK_EQ(a.c->missed, 0);
	account_free(&a);
}

TEST(what_was_throttled_over_a_snapshot_is_lost_once)
{
	struct account a;
	uint64_t from = mono_now();

	account_new(&a);
	account_put(&a, PERF_RECORD_THROTTLE, from, 0);
	account_settle(&a);
	account_snapshot(&a, 50);
	account_put(&a, PERF_RECORD_UNTHROTTLE, a.c->snap_time + PERIOD, 0);
	account_settle(&a);
	CHECK(a.c->outcome[RINGPROF_OUT_THROTTLED] * PERIOD > a.c->snap_time - from);
	/* the clock of this test is not that of the periods: those there were at the most */
	CHECK_EQ(a.c->missed, a.c->calls < 50 ? 50 - a.c->calls : 0);
	account_free(&a);
}

int main(void)
{
	return tap_main();
}
