// SPDX-License-Identifier: GPL-2.0
/*
 * A clock that is set by some milliseconds within ten seconds: windows before
 * and after do not meet, and one window of the history is made of both.
 */
#include "store/history.h"
#include "test_store_raw.h"

static struct window *part(struct world_model *m, uint64_t wall, uint64_t len, bool events)
{
	struct window *w = raw_window(m, wall);
	uint32_t n;

	w->end = w->start + len;
	for (uint32_t i = 0; i < w->n_events; i++)
		w->events[i].us %= (uint32_t)(len / 1000);
	if (!events)
		free(window_take_events(w, &n));
	return w;
}

static int sum_raw(void *arg, struct window *w, const struct raw_sample *s, uint32_t n)
{
	*(uint64_t *)arg += n;
	return 0;
}

/* Ten seconds in two windows, the second one's time set by so many ms; whole: with its samples. */
static bool is_covered(int64_t ms, bool whole, uint64_t *missing)
{
	const struct store_ask ask = { .from = BASE, .to = BASE + 10 * SEC };
	uint64_t wall = BASE + 4 * SEC + (uint64_t)(ms * (int64_t)NSEC_PER_MSEC), samples, got = 0;
	struct window *a, *b;
	struct world_model m;
	struct store *s;
	bool r;

	world_begin();
	world_model(&m);
	s = open_raw(RAW_BYTES);
	a = part(&m, BASE, 4 * SEC, true);
	b = part(&m, wall, BASE + 10 * SEC - wall, whole);
	b->end = a->end + (b->end - b->start);
	b->start = a->end;
	samples = a->samples + b->samples;
	world_clock = BASE + 10 * SEC;
	CHECK_EQ(store_add(s, a), 0);
	CHECK_EQ(store_add(s, b), 0);
	/* so that neither is in memory any more */
	CHECK_EQ(store_add(s, raw_window(&m, BASE + 10 * SEC)), 0);
	store_sync(s);
	r = store_raw_covers(s, ask.from, ask.to, NULL);
	CHECK_EQ(store_raw(s, &ask, sum_raw, &got), 0);
	*missing = samples - got;
	store_free(s);
	model_unref(m.m);
	world_end();
	return r;
}

TEST(single_samples_cover_a_clock_that_was_set)
{
	static const int64_t ms[] = { 0, 10, 60, 100, -10, -60, -100 };
	uint64_t missing;

	for (size_t i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
		CHECK(is_covered(ms[i], true, &missing));
		CHECK_EQ(missing, 0);
		CHECK(!is_covered(ms[i], false, &missing));
		CHECK(missing > 0);
	}
}

int main(void)
{
	return tap_main();
}
