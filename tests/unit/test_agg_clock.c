// SPDX-License-Identifier: GPL-2.0
/* Windows when the wall clock is set, or the host was suspended. */
#include <errno.h>

#include "base/clock.h"
#include "tap.h"
#include "test_agg_fakes.h"

#define SEC NSEC_PER_SEC
#define T0  (100 * SEC)

static int interrupted;

/* Between the two clocks of a reading the thread waited a second, some times. */
static int64_t interrupted_offset(void)
{
	return fake_offset + (interrupted-- > 0 ? (int64_t)SEC : 0);
}

/* These are the windows, each beginning where the one before ends. */
static void check_starts(struct world *w, const uint64_t *starts, size_t n)
{
	struct window_list l;

	CHECK_EQ(store_range_mono(w->store, 0, UINT64_MAX, &l), 0);
	CHECK_EQ(l.n, n);
	for (size_t i = 0; i < n; i++) {
		CHECK_EQ(l.w[i]->start, T0 + starts[i]);
		CHECK(!i || l.w[i]->start == l.w[i - 1]->end);
	}
	window_list_free(&l);
}

static uint64_t wall_start(struct world *w, uint64_t start)
{
	struct window_list l;
	uint64_t wall;

	CHECK_EQ(store_range_mono(w->store, start, start + SEC, &l), 0);
	CHECK_EQ(l.n, 1);
	wall = l.w[0]->wall_start;
	window_list_free(&l);
	return wall;
}

/* Suspend sets it as well: what is sampled after it must not be dated before. */
TEST(a_set_clock_ends_the_window)
{
	static const uint64_t starts[] = { 0, 10 * SEC, 16 * SEC, 18 * SEC, 28 * SEC };
	struct world w;
	int64_t first;

	world_make(&w, NULL);
	first = fake_offset;
	agg_advance(w.a, T0, NULL, NULL);
	fake_offset += 2000000; /* two readings are never the same: no step */
	agg_advance(w.a, T0 + 14 * SEC, NULL, NULL);
	w.a->read_wall_offset = interrupted_offset;
	interrupted = 1;
	agg_advance(w.a, T0 + 15 * SEC, NULL, NULL);
	fake_offset = first + 3602 * (int64_t)SEC;
	agg_advance(w.a, T0 + 16 * SEC, NULL, NULL);
	CHECK_EQ(agg_closed(w.a), T0 + 16 * SEC);
	CHECK_EQ(agg_cut(w.a, T0 + 16 * SEC), 0);
	CHECK_EQ(agg_cut(w.a, T0 + 16 * SEC - 1), -ERANGE);
	send(&w, T0 + 16 * SEC, 1, 0, 0x400300);
	agg_advance(w.a, T0 + 40 * SEC, NULL, NULL);
	check_starts(&w, starts, ARRAY_SIZE(starts));
	CHECK_EQ(wall_start(&w, T0 + 10 * SEC), T0 + 10 * SEC + (uint64_t)first);
	CHECK_EQ(wall_start(&w, T0 + 16 * SEC), T0 + 16 * SEC + (uint64_t)fake_offset);
	world_free(&w);
}

/* A wrong reading where a window opens is put right at the next round, and no window is empty. */
TEST(a_clock_that_moves_as_a_window_opens)
{
	static const uint64_t starts[] = { 0, 4 * SEC, 5 * SEC };
	struct world w;
	int64_t first;

	world_make(&w, NULL);
	first = fake_offset;
	agg_advance(w.a, T0, NULL, NULL);
	CHECK_EQ(agg_cut(w.a, T0 + 4 * SEC), 0);
	w.a->read_wall_offset = interrupted_offset;
	interrupted = 1;
	agg_advance(w.a, T0 + 4 * SEC, NULL, NULL);
	CHECK_EQ(w.a->wall_offset, first + (int64_t)SEC);
	agg_advance(w.a, T0 + 5 * SEC, NULL, NULL);
	CHECK_EQ(w.a->wall_offset, first);
	agg_flush(w.a, T0 + 6 * SEC);
	check_starts(&w, starts, ARRAY_SIZE(starts));
	world_free(&w);
}

int main(void)
{
	return tap_main();
}
