// SPDX-License-Identifier: GPL-2.0
/*
 * What the collector tells others, and in which order. On the perf source of
 * this host.
 */
#include <inttypes.h>
#include <time.h>

#include "agg/collector.h"
#include "base/clock.h"
#include "sym/files.h"
#include "tap.h"

#define ROUNDS 20

struct heard {
	struct collector *c;
	uint64_t calls, behind;
};

/* Adds up, as a reader of the windows would. */
static void on_close(void *arg, uint64_t closed)
{
	struct heard *h = arg;
	struct collector_status s;
	struct agg_counters a;

	(void)closed;
	collector_status(h->c, &s);
	agg_counters(collector_agg(h->c), &a);
	h->calls++;
	h->behind += s.counters.outcome[RINGPROF_OUT_EMITTED] < a.samples;
}

/* Burns CPU for ns of wall time, so that there is something to sample. */
static void spin(uint64_t ns)
{
	uint64_t until = mono_now() + ns;

	while (mono_now() < until)
		;
}

TEST(counters_have_all_that_a_closed_window_has)
{
	static char err[512];
	struct collector_config cfg = {
		.source = { .kind = SOURCE_PERF, .hz = 2000 },
		.agg = { .max_model_bytes = 8 << 20, .max_series = 100, .host = "h" },
		.interval = 30 * NSEC_PER_MSEC,
	};
	struct store *store =
		store_new(&(struct store_config){ .max_age = NSEC_PER_SEC, .max_bytes = 8 << 20 });
	struct files *files = files_new(8 << 20);
	struct heard heard = { 0 };
	struct collector_status s;
	uint64_t begun = mono_now(), behind;

	if (collector_new(&heard.c, &cfg, files, NULL, store, err, sizeof(err)) ||
	    collector_start(heard.c, err, sizeof(err)))
		SKIP(err);
	agg_on_close(collector_agg(heard.c), on_close, &heard);
	for (int i = 0; i < ROUNDS; i++) {
		/* one window that ends in the middle of a drain, one that a drain ends */
		uint64_t t = mono_now() + 5 * NSEC_PER_MSEC;

		CHECK_EQ(agg_cut(collector_agg(heard.c), t), 0);
		spin(20 * NSEC_PER_MSEC);
		CHECK_EQ(agg_wait(collector_agg(heard.c), t, 20 * NSEC_PER_SEC), 0);
	}
	collector_status(heard.c, &s);
	behind = collector_behind(&s);
	CHECK(s.upto > begun && behind >= SOURCE_LAG_NS && behind < 20 * NSEC_PER_SEC);
	spin(20 * NSEC_PER_MSEC);
	CHECK(collector_behind(&s) >= behind + 20 * NSEC_PER_MSEC); /* if no round came since */
	collector_stop(heard.c);
	printf("# told of windows %" PRIu64 " times\n", heard.calls);
	CHECK(heard.calls > ROUNDS / 2);
	CHECK_EQ(heard.behind, 0);
	collector_free(heard.c);
	store_free(store);
	files_free(files);
}

int main(void)
{
	return tap_main();
}
