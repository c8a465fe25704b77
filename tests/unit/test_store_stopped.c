// SPDX-License-Identifier: GPL-2.0
/* Time in which nothing could be sampled, in the history: added up it stays what it is. */
#include "store/history.h"
#include "test_store_world.h"

/* Three minutes: of the first the last 40 s are stopped, the second is, the third is not. */
static bool is_stopped(uint64_t s)
{
	return s >= 20 && s < 120;
}

static struct store *stopped_store(void)
{
	struct world_model m;
	struct store *s;

	world_begin();
	world_model(&m);
	s = world_open(1, 1ULL << 30);
	for (uint64_t t = 0; t < 180; t += 10) {
		struct window *w = world_window(&m, BASE + t * SEC, 10 * SEC);

		if (is_stopped(t)) {
			w->cpus = w->n_entries = w->n_losses = 0;
			w->samples = w->weight = w->period = 0;
		}
		world_clock = BASE + (t + 10) * SEC;
		CHECK_EQ(store_add(s, w), 0);
	}
	store_sync(s);
	model_unref(m.m);
	return s;
}

struct seen {
	uint64_t sampled[18], windows;
};

static int see_window(void *arg, struct window *w)
{
	struct seen *seen = arg;
	uint64_t i = (w->wall_start - BASE) / (w->end - w->start);

	seen->sampled[i] = window_sampled(w) / SEC;
	seen->windows++;
	CHECK(!window_sampled(w) || w->period);
	return 0;
}

static int see_totals(void *arg, uint64_t from, uint64_t to, uint64_t sampled,
		      const struct model_series *labels, uint64_t samples, uint64_t weight)
{
	struct seen *seen = arg;

	if (labels)
		return 0;
	seen->sampled[(from - BASE) / (to - from)] = sampled / SEC;
	seen->windows++;
	return 0;
}

TEST(what_was_stopped_stays_known_on_disk)
{
	struct store_ask ask = { .from = BASE, .to = BASE + 120 * SEC, .step = 10 * SEC };
	struct store *s = stopped_store();
	struct seen all = { 0 }, totals = { 0 };
	struct store_used used;

	CHECK_EQ(store_feed(s, &ask, see_window, &all, &used), 0);
	CHECK_EQ(store_series(s, &ask, see_totals, &totals), 0);
	for (uint64_t i = 0; i < 12; i++) {
		CHECK_EQ(all.sampled[i], is_stopped(i * 10) ? 0 : 10);
		CHECK_EQ(totals.sampled[i], all.sampled[i]);
	}
	CHECK_EQ(totals.windows, 2);
	CHECK_EQ(used.windows[TIER_10S], 2);
	CHECK_EQ(used.to, BASE + 20 * SEC);
	store_free(s);
	world_end();
}

TEST(a_part_of_a_coarser_window_stays_known)
{
	struct store_ask ask = { .from = BASE, .to = BASE + 180 * SEC, .step = 60 * SEC };
	struct store *s = stopped_store();
	struct seen all = { 0 }, totals = { 0 };

	CHECK_EQ(store_feed(s, &ask, see_window, &all, NULL), 0);
	CHECK_EQ(store_series(s, &ask, see_totals, &totals), 0);
	CHECK_EQ(all.windows, 3);
	CHECK_EQ(all.sampled[0], 20);
	CHECK_EQ(all.sampled[1], 0);
	CHECK_EQ(all.sampled[2], 60);
	CHECK_EQ(totals.windows, 2);
	CHECK_EQ(totals.sampled[0], 20);
	CHECK_EQ(totals.sampled[2], 60);
	store_free(s);
	world_end();
}

int main(void)
{
	return tap_main();
}
