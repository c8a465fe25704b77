// SPDX-License-Identifier: GPL-2.0
/* Windows in time: wall-clock tens, cuts, losses, the clock, waiting. */
#include <errno.h>
#include <pthread.h>

#include "base/clock.h"
#include "tap.h"
#include "test_agg_fakes.h"

#define SEC NSEC_PER_SEC
#define T0  (100 * SEC)

static struct source_info info = { .period = 10, .cpus = 2 };

static uint64_t samples_in(struct world *w, uint64_t from, uint64_t to)
{
	struct window_list l;
	uint64_t n = 0;

	CHECK_EQ(store_range_mono(w->store, from, to, &l), 0);
	for (size_t i = 0; i < l.n; i++) {
		/* ranges between boundaries are exact: no window sticks out */
		CHECK(l.w[i]->start >= from && l.w[i]->end <= to);
		n += l.w[i]->samples;
	}
	window_list_free(&l);
	return n;
}

TEST(windows_stand_on_wall_clock_tens)
{
	struct world w;
	struct window_list l;

	world_make(&w, NULL);
	fake_offset += 3 * (int64_t)SEC + 123456789;
	send(&w, T0, 1, 0, 0x400300);
	agg_advance(w.a, T0 + 45 * SEC, NULL, NULL);
	CHECK_EQ(store_range_mono(w.store, 0, UINT64_MAX, &l), 0);
	CHECK_EQ(l.n, 4);
	CHECK_EQ(l.w[0]->start, T0);
	CHECK_EQ(l.w[0]->samples, 1);
	for (size_t i = 0; i < l.n; i++) {
		CHECK_EQ((l.w[i]->wall_start + l.w[i]->end - l.w[i]->start) % (10 * SEC), 0);
		CHECK_EQ(l.w[i]->wall_start, l.w[i]->start + (uint64_t)fake_offset);
		CHECK(!i || l.w[i]->start == l.w[i - 1]->end);
		CHECK(!i || l.w[i]->end == l.w[i]->start + 10 * SEC);
	}
	CHECK_EQ(agg_closed(w.a), l.w[3]->end);
	window_list_free(&l);
	world_free(&w);
}

TEST(cuts_are_exact_to_the_nanosecond)
{
	struct world w;
	uint64_t t = T0 + 3 * SEC;

	world_make(&w, NULL);
	send(&w, T0, 1, 0, 0x400300);
	CHECK_EQ(agg_cut(w.a, t), 0);
	CHECK_EQ(agg_cut(w.a, t + 5), 0);
	CHECK_EQ(agg_cut(w.a, t), 0);
	send(&w, t - 1, 1, 0, 0x400300);
	CHECK_EQ(agg_closed(w.a), 0);
	for (uint64_t i = 0; i < 7; i++)
		send(&w, t + i, 1, 0, 0x400300);
	CHECK_EQ(w.a->ended, t + 5);
	CHECK_EQ(agg_closed(w.a), 0); /* readers hear of it at the end of the drain */
	agg_flush(w.a, t + 100);
	CHECK_EQ(agg_closed(w.a), t + 100);
	CHECK_EQ(samples_in(&w, 0, t), 2);
	CHECK_EQ(samples_in(&w, t, t + 5), 5);
	CHECK_EQ(samples_in(&w, t + 5, t + 100), 2);
	world_free(&w);
}

TEST(cuts_behind_what_was_added_are_refused)
{
	struct world w;
	uint64_t t = T0 + 3 * SEC;

	world_make(&w, NULL);
	send(&w, t, 1, 0, 0x400300);
	CHECK_EQ(agg_cut(w.a, t - SEC), -ERANGE);
	CHECK_EQ(agg_cut(w.a, t + 1), -ERANGE);
	/* an event is older than SOURCE_LAG_NS when it comes: that is now */
	CHECK_EQ(agg_cut(w.a, t + SOURCE_LAG_NS), 0);
	/* the history is complete: exactly there is a boundary possible again */
	agg_advance(w.a, t + SEC, NULL, NULL);
	CHECK_EQ(agg_cut(w.a, t + SEC - 1), -ERANGE);
	CHECK_EQ(agg_cut(w.a, t + SEC), 0);
	send(&w, t + SEC - 1, 1, 0, 0x400300); /* against the contract; must not break anything */
	send(&w, t + SEC, 1, 0, 0x400300);
	CHECK_EQ(w.a->ended, t + SEC);
	CHECK_EQ(agg_cut(w.a, t + SEC), 0);
	CHECK_EQ(agg_cut(w.a, t + SEC - 1), -ERANGE);
	agg_flush(w.a, t + 2 * SEC);
	CHECK_EQ(samples_in(&w, t + SEC, t + 2 * SEC), 1);
	CHECK_EQ(w.a->c.samples, 3);
	world_free(&w);
}

TEST(a_cut_taken_during_a_lease_holds)
{
	struct world w;
	uint64_t t = T0;

	/* the collector looks at boundaries only now and then; no cut may slip through */
	world_make(&w, NULL);
	for (uint64_t i = 0; i < 200; i++) {
		uint64_t cut = t + SOURCE_LAG_NS / 2 + i * 1000;

		send(&w, t, 1, 0, 0x400300);
		CHECK_EQ(agg_cut(w.a, cut), 0);
		send(&w, cut - 1, 1, 0, 0x400300);
		CHECK(w.a->ended < cut);
		send(&w, cut, 1, 0, 0x400300);
		CHECK_EQ(w.a->ended, cut);
		CHECK_EQ(agg_cut(w.a, cut), 0); /* a boundary already */
		t = cut + 3 * SOURCE_LAG_NS;
	}
	world_free(&w);
}

TEST(cuts_before_the_first_event_are_kept)
{
	struct world w;

	world_make(&w, NULL);
	CHECK_EQ(agg_cut(w.a, T0), 0);
	CHECK_EQ(agg_cut(w.a, T0 + SEC), 0);
	send(&w, T0 + 2 * SEC, 1, 0, 0x400300);
	CHECK_EQ(w.a->ended, T0 + SEC);
	agg_advance(w.a, T0 + 3 * SEC, NULL, NULL);
	CHECK_EQ(agg_closed(w.a), T0 + SEC);
	agg_flush(w.a, T0 + 3 * SEC);
	CHECK_EQ(samples_in(&w, T0, T0 + SEC), 0);
	CHECK_EQ(samples_in(&w, T0 + SEC, T0 + 3 * SEC), 1);
	world_free(&w);
}

TEST(waiting_cuts_are_limited)
{
	struct world w;

	world_make(&w, NULL);
	for (uint64_t i = 0; i < AGG_MAX_CUTS; i++)
		CHECK_EQ(agg_cut(w.a, T0 + (AGG_MAX_CUTS - i) * 1000), 0);
	CHECK_EQ(agg_cut(w.a, T0 + 1), -ENOSPC);
	for (uint32_t i = 1; i < w.a->n_cuts; i++)
		CHECK(w.a->cuts[i - 1] < w.a->cuts[i]);
	agg_advance(w.a, T0 + SEC, NULL, NULL);
	CHECK_EQ(w.a->n_cuts, 0);
	CHECK_EQ(w.a->c.windows, AGG_MAX_CUTS - 1);
	world_free(&w);
}

static uint64_t loss_of(const struct window *w, uint32_t mark, uint64_t *ret_weight)
{
	for (uint32_t i = 0; i < w->n_losses; i++) {
		if (w->losses[i].mark == mark) {
			*ret_weight = w->losses[i].weight;
			return w->losses[i].count;
		}
	}
	*ret_weight = 0;
	return 0;
}

TEST(back_to_back_ranges_sum_to_the_counters)
{
	struct world w;
	struct source_counters c = { 0 };
	uint64_t seed = 99, next_cut = T0 + 7 * SEC, sum = 0, lost = 0, idle = 0;
	uint64_t weight;
	struct window_list l;

	/* 30 ranges of 7 s, drained once a second as a collector does */
	world_make(&w, NULL);
	CHECK_EQ(agg_cut(w.a, T0), 0);
	for (uint64_t s = 0; s < 215; s++) {
		uint64_t t = T0 + s * SEC;

		if (t + SEC > next_cut) {
			CHECK_EQ(agg_cut(w.a, next_cut), 0);
			next_cut += 7 * SEC;
		}
		for (uint64_t i = 0; i < 50; i++) {
			seed = seed * 6364136223846793005ULL + 1;
			send(&w, t + i * 20000000 + (seed >> 45), 1 + (int)(seed >> 60), 0,
			     0x400300);
			c.outcome[RINGPROF_OUT_EMITTED]++;
		}
		c.outcome[RINGPROF_LOST_RING_FULL] += s % 3;
		c.outcome[RINGPROF_OUT_IDLE] += 50;
		c.missed += s % 2;
		agg_advance(w.a, t + SEC, &c, &info);
	}
	agg_flush(w.a, T0 + 215 * SEC);
	for (uint64_t i = 0; i < 30; i++)
		sum += samples_in(&w, T0 + i * 7 * SEC, T0 + (i + 1) * 7 * SEC);
	CHECK_EQ(sum, 210 * 50);
	sum += samples_in(&w, T0 + 210 * SEC, T0 + 215 * SEC);
	CHECK_EQ(sum, c.outcome[RINGPROF_OUT_EMITTED]);
	CHECK_EQ(store_range_mono(w.store, 0, UINT64_MAX, &l), 0);
	for (size_t k = 0; k < l.n; k++) {
		lost += loss_of(l.w[k], MARK_LOST + RINGPROF_LOST_RING_FULL, &weight);
		lost += loss_of(l.w[k], MARK_LOST_OTHER + LOST_MISSED, &weight);
		idle += l.w[k]->idle;
		CHECK_EQ(l.w[k]->cpus, 2);
		CHECK_EQ(l.w[k]->period, 10);
	}
	window_list_free(&l);
	CHECK_EQ(lost, c.outcome[RINGPROF_LOST_RING_FULL] + c.missed);
	CHECK_EQ(idle, c.outcome[RINGPROF_OUT_IDLE]);
	world_free(&w);
}

TEST(every_loss_has_its_mark)
{
	struct world w;
	struct source_counters c = { .missed = 3,
				     .detached = 64,
				     .detached_before = 60,
				     .lost_samples = 5,
				     .corrupt = 4000,
				     .unreadable = 100 };
	struct window_list l;
	uint64_t weight;

	world_make(&w, NULL);
	for (int i = 0; i < 16; i++)
		c.outcome[i] = 100 + (uint64_t)i;
	agg_advance(w.a, T0, &c, &info);
	c.missed += 2;
	c.unreadable += 20;
	agg_advance(w.a, T0 + SEC, &c, &info);
	w.t->no_memory = true;
	send(&w, T0 + SEC, 1, 0, 0x400300);
	agg_flush(w.a, T0 + 2 * SEC);
	CHECK_EQ(store_range_mono(w.store, 0, UINT64_MAX, &l), 0);
	CHECK_EQ(l.n, 1);
	for (uint32_t i = 0; i < 16; i++) {
		bool loss = i >= RINGPROF_OUT_THROTTLED;

		CHECK_EQ(loss_of(l.w[0], MARK_LOST + i, &weight), loss ? 100 + i : 0);
		CHECK_EQ(weight, loss ? 10 * (100 + i) : 0);
	}
	CHECK_EQ(loss_of(l.w[0], MARK_LOST_OTHER + LOST_MISSED, &weight), 5);
	CHECK_EQ(weight, 50);
	CHECK_EQ(loss_of(l.w[0], MARK_LOST_OTHER + LOST_DETACHED, &weight), 4);
	CHECK_EQ(loss_of(l.w[0], MARK_LOST_OTHER + LOST_QUEUE, &weight), 5);
	/* 120 bytes are 3 sample records */
	CHECK_EQ(loss_of(l.w[0], MARK_LOST_OTHER + LOST_CORRUPT, &weight), 3);
	CHECK_EQ(loss_of(l.w[0], MARK_LOST_OTHER + LOST_MEMORY, &weight), 1);
	CHECK_EQ(weight, 10);
	CHECK_EQ(l.w[0]->idle, 101);
	window_list_free(&l);
	world_free(&w);
}

/* Sums over sources that are gone and the one there is never fall: what does was a poor look. */
TEST(a_counter_that_falls_loses_nothing_twice)
{
	static const uint64_t missed[] = { 100, 98, 0, 100, 103 };
	struct source_counters c = { 0 };
	struct window_list l;
	uint64_t weight;
	struct world w;

	world_make(&w, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(missed); i++) {
		c.missed = c.outcome[RINGPROF_LOST_RING_FULL] = c.outcome[RINGPROF_OUT_IDLE] =
			missed[i];
		agg_advance(w.a, T0 + i * SEC, &c, &info);
	}
	agg_flush(w.a, T0 + 5 * SEC);
	CHECK_EQ(store_range_mono(w.store, 0, UINT64_MAX, &l), 0);
	CHECK_EQ(l.n, 1);
	CHECK_EQ(loss_of(l.w[0], MARK_LOST_OTHER + LOST_MISSED, &weight), 103);
	CHECK_EQ(loss_of(l.w[0], MARK_LOST + RINGPROF_LOST_RING_FULL, &weight), 103);
	CHECK_EQ(l.w[0]->idle, 103);
	window_list_free(&l);
	world_free(&w);
}

TEST(losses_belong_to_the_window_open_then)
{
	struct world w;
	struct source_counters c = { 0 };
	struct window_list l;
	uint64_t weight;

	world_make(&w, NULL);
	send(&w, T0, 1, 0, 0x400300);
	agg_advance(w.a, T0 + SEC, &c, &info);
	c.missed = 7;
	/* this round ends the window: what was lost in it is its own */
	agg_advance(w.a, T0 + 11 * SEC, &c, &info);
	CHECK_EQ(store_range_mono(w.store, 0, UINT64_MAX, &l), 0);
	CHECK_EQ(l.n, 1);
	CHECK_EQ(loss_of(l.w[0], MARK_LOST_OTHER + LOST_MISSED, &weight), 7);
	window_list_free(&l);
	world_free(&w);
}

/* The period of the event is a number of cycles; a lost sample is as long as any other. */
TEST(losses_of_cycles_are_time)
{
	const struct source_info cycles = {
		.unit = RINGPROF_UNIT_CYCLES, .period = 30303030, .hz = 100, .cpus = 2
	};
	struct world w;
	struct source_counters c = { .missed = 7 };
	struct window_list l;
	uint64_t weight;

	world_make(&w, NULL);
	send(&w, T0, 1, 0, 0x400300);
	agg_advance(w.a, T0 + SEC, &c, &cycles);
	agg_flush(w.a, T0 + 2 * SEC);
	CHECK_EQ(store_range_mono(w.store, 0, UINT64_MAX, &l), 0);
	CHECK_EQ(loss_of(l.w[0], MARK_LOST_OTHER + LOST_MISSED, &weight), 7);
	CHECK_EQ(weight, 7 * SEC / 100);
	CHECK_EQ(l.w[0]->unit, RINGPROF_UNIT_NS);
	window_list_free(&l);
	world_free(&w);
}

/* A governor's new period is in the samples before the module is asked for it. */
TEST(losses_weigh_what_the_samples_around_them_do)
{
	struct source_info at = { .period = 5, .cpus = 2 };
	struct source_counters c = { 0 };
	struct window_list l;
	uint64_t weight;
	struct world w;

	world_make(&w, NULL);
	agg_advance(w.a, T0, &c, &at);
	send(&w, T0 + 1, 1, 0, 0x400300); /* weighs 10 */
	c.missed = 3;
	agg_advance(w.a, T0 + SEC, &c, &at);
	/* another period, of which there is no sample yet */
	at.period = 100;
	c.missed = 4;
	agg_advance(w.a, T0 + 2 * SEC, &c, &at);
	agg_flush(w.a, T0 + 3 * SEC);
	CHECK_EQ(store_range_mono(w.store, 0, UINT64_MAX, &l), 0);
	CHECK_EQ(loss_of(l.w[0], MARK_LOST_OTHER + LOST_MISSED, &weight), 4);
	CHECK_EQ(weight, 3 * 10 + 100);
	CHECK_EQ(l.w[0]->period, 100);
	window_list_free(&l);
	world_free(&w);
}

/* A window with nothing in it: nobody ran, or nobody looked. */
TEST(windows_without_a_source_have_no_cpus)
{
	static const uint32_t cpus[] = { 2, 2, 0, 0, 0, 0, 2 };
	static const uint32_t seconds[] = { 10, 2, 8, 10, 10, 2, 8 };
	struct source_info at = { .period = 10, .cpus = 2 };
	struct source_counters c = { 0 };
	struct window_list l;
	struct world w;

	world_make(&w, NULL);
	agg_advance(w.a, T0, &c, &at);
	agg_advance(w.a, T0 + 10 * SEC, &c, &at);
	send(&w, T0 + 11 * SEC, 1, 0, 0x400300);
	/* gone in the second one, back in the last */
	for (uint64_t s = 12; s <= 50; s++) {
		at.cpus = s < 42 ? 0 : 2;
		agg_advance(w.a, T0 + s * SEC, &c, &at);
	}
	CHECK_EQ(store_range_mono(w.store, 0, UINT64_MAX, &l), 0);
	CHECK_EQ(l.n, ARRAY_SIZE(cpus));
	for (size_t i = 0; i < l.n; i++) {
		CHECK_EQ(l.w[i]->cpus, cpus[i]);
		CHECK_EQ(l.w[i]->end - l.w[i]->start, seconds[i] * SEC);
	}
	window_list_free(&l);
	world_free(&w);
}

TEST(a_jump_of_time_leaves_a_hole)
{
	struct world w;

	world_make(&w, NULL);
	send(&w, T0, 1, 0, 0x400300);
	CHECK_EQ(agg_cut(w.a, T0 + 1000 * SEC), 0);
	send(&w, T0 + 1000000 * SEC, 1, 0, 0x400300);
	send(&w, UINT64_MAX - SEC, 1, 0, 0x400300);
	/* older than the open window, and still counted */
	send(&w, T0 + SEC, 1, 0, 0x400300);
	CHECK_EQ(w.a->c.late, 1);
	agg_flush(w.a, UINT64_MAX);
	CHECK_EQ(w.a->c.samples, 4);
	CHECK(w.a->c.windows < 10);
	world_free(&w);
}

TEST(flush_ends_the_window_and_the_next_event_opens_one)
{
	struct world w;
	struct source_counters c = { 0 };

	world_make(&w, NULL);
	agg_flush(w.a, T0); /* nothing is open */
	CHECK_EQ(agg_closed(w.a), 0);
	send(&w, T0, 1, 0, 0x400300);
	agg_flush(w.a, T0 + SEC);
	agg_flush(w.a, T0 + SEC);
	CHECK_EQ(agg_closed(w.a), T0 + SEC);
	CHECK_EQ(w.a->c.windows, 1);
	agg_advance(w.a, T0 + 500, &c, &info); /* back in time: nothing is due */
	CHECK_EQ(agg_closed(w.a), T0 + SEC);
	send(&w, T0 + 3 * SEC, 1, 0, 0x400300);
	agg_flush(w.a, T0 + 4 * SEC);
	CHECK_EQ(samples_in(&w, T0 + 3 * SEC, T0 + 4 * SEC), 1);
	CHECK_EQ(w.a->c.windows, 2);
	world_free(&w);
}

static uint64_t told;

static void on_close(void *arg, uint64_t closed)
{
	told = closed;
	++*(int *)arg;
}

static void *waiter(void *arg)
{
	struct world *w = arg;

	return (void *)(intptr_t)agg_wait(w->a, T0 + SEC, 20 * SEC);
}

TEST(waiting)
{
	struct world w;
	pthread_t th;
	void *ret;
	int calls = 0;

	world_make(&w, NULL);
	agg_on_close(w.a, on_close, &calls);
	CHECK_EQ(agg_cut(w.a, T0 + SEC), 0);
	CHECK_EQ(agg_wait(w.a, T0 + SEC, 1000000), -ETIMEDOUT);
	CHECK_EQ(pthread_create(&th, NULL, waiter, &w), 0);
	send(&w, T0, 1, 0, 0x400300);
	agg_advance(w.a, T0 + SEC, NULL, NULL);
	CHECK_EQ(pthread_join(th, &ret), 0);
	CHECK_EQ((intptr_t)ret, 0);
	CHECK_EQ(calls, 1);
	CHECK_EQ(told, T0 + SEC);
	CHECK_EQ(agg_wait(w.a, T0 + SEC, 0), 0);
	CHECK_EQ(agg_wait(w.a, T0 + SEC + 1, 0), -ETIMEDOUT);
	/* what a waiter was told is there to be read */
	CHECK_EQ(samples_in(&w, 0, T0 + SEC), 1);
	world_free(&w);
}

int main(void)
{
	return tap_main();
}
