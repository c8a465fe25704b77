// SPDX-License-Identifier: GPL-2.0
/*
 * The collector at a switch of its source, which is the test's own: the linker
 * takes it instead of the library's. It samples nothing by itself; the test
 * says what it counts.
 */
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "agg/collector.h"
#include "agg/gap.h"
#include "base/clock.h"
#include "sym/files.h"
#include "tap.h"

#define HZ	 100U
#define CPUS	 4U
#define OPEN_NS	 (100 * NSEC_PER_MSEC) /* what opening one takes */
#define LOST_NOW 7U
#define BUSY	 2U /* CPUs; the others idle */

struct source {
	struct source_info info;
	struct source_counters counters;
};

static struct source one;
static struct source_counters at_stop; /* what the next stop adds */
static bool refuse;		       /* the next opens */
static uint64_t stopped_at, started_at, opens;

int source_open(struct source **ret, const struct source_config *cfg, struct chains *chains,
		char *err, size_t errlen)
{
	struct timespec delay = { .tv_nsec = OPEN_NS };

	(void)chains;
	__atomic_add_fetch(&opens, 1, __ATOMIC_RELAXED);
	if (__atomic_load_n(&refuse, __ATOMIC_ACQUIRE)) {
		snprintf(err, errlen, "refused");
		return -EPERM;
	}
	nanosleep(&delay, NULL);
	one = (struct source){ .info = { .kind = SOURCE_PERF,
					 .name = "perf",
					 .hz = cfg->hz,
					 .period = NSEC_PER_SEC / cfg->hz,
					 .cpus = CPUS } };
	*ret = &one;
	return 0;
}

void source_close(struct source *s)
{
	(void)s;
}

int source_start(struct source *s, char *err, size_t errlen)
{
	(void)s, (void)err, (void)errlen;
	started_at = mono_now();
	return 0;
}

int source_stop(struct source *s)
{
	stopped_at = mono_now();
	source_counters_add(&s->counters, &at_stop);
	memset(&at_stop, 0, sizeof(at_stop));
	return 0;
}

const struct source_info *source_info(struct source *s)
{
	return &s->info;
}

int source_look(struct source *s)
{
	(void)s;
	return 0;
}

int source_fd(const struct source *s)
{
	(void)s;
	return -1;
}

int source_drain(struct source *s, event_fn fn, void *arg, uint64_t *ret_upto)
{
	(void)s, (void)fn, (void)arg;
	*ret_upto = mono_now() - SOURCE_LAG_NS;
	return 0;
}

int source_counters(struct source *s, struct source_counters *ret)
{
	uint64_t until = stopped_at > started_at ? stopped_at : mono_now();
	uint64_t periods = (until - started_at) / s->info.period;

	*ret = s->counters;
	ret->calls = periods * CPUS;
	ret->outcome[RINGPROF_OUT_IDLE] = periods * (CPUS - BUSY);
	return 0;
}

void source_counters_add(struct source_counters *sum, const struct source_counters *more)
{
	for (size_t i = 0; i < sizeof(*sum) / sizeof(uint64_t); i++)
		((uint64_t *)sum)[i] += ((const uint64_t *)more)[i];
}

size_t source_bytes(const struct source *s)
{
	return sizeof(*s);
}

struct world {
	struct collector *c;
	struct store *store;
	struct files *files;
	struct collector_config cfg;
};

static void world_new(struct world *w)
{
	static char err[512];

	*w = (struct world){
		.cfg = { .source = { .kind = SOURCE_PERF, .hz = HZ },
			 .agg = { .max_model_bytes = 8 << 20, .max_series = 100, .host = "h" },
			 .interval = 20 * NSEC_PER_MSEC }
	};
	refuse = false;
	opens = 0;
	w->store = store_new(
		&(struct store_config){ .max_age = 60 * NSEC_PER_SEC, .max_bytes = 8 << 20 });
	w->files = files_new(8 << 20);
	CHECK_EQ(collector_new(&w->c, &w->cfg, w->files, NULL, w->store, err, sizeof(err)), 0);
	CHECK_EQ(collector_start(w->c, err, sizeof(err)), 0);
}

static void world_free(struct world *w)
{
	collector_free(w->c);
	store_free(w->store);
	files_free(w->files);
}

/* Until a switch to that rate is done, as the status shows. */
static void switch_to(struct world *w, uint32_t hz)
{
	struct source_config next = w->cfg.source;
	struct collector_status s;

	next.hz = hz;
	CHECK_EQ(collector_reopen(w->c, &next), 0);
	do {
		nanosleep(&(struct timespec){ .tv_nsec = 10 * NSEC_PER_MSEC }, NULL);
		collector_status(w->c, &s);
	} while (s.info.hz != hz);
}

/* What all windows lost of that kind; the weight of it. */
static uint64_t lost(struct world *w, uint32_t mark, uint64_t *ret_weight)
{
	struct window_list l;
	uint64_t n = 0;

	*ret_weight = 0;
	CHECK_EQ(store_range_mono(w->store, 0, UINT64_MAX, &l), 0);
	for (size_t i = 0; i < l.n; i++) {
		for (uint32_t k = 0; k < l.w[i]->n_losses; k++) {
			if (l.w[i]->losses[k].mark != mark)
				continue;
			n += l.w[i]->losses[k].count;
			*ret_weight += l.w[i]->losses[k].weight;
		}
	}
	window_list_free(&l);
	return n;
}

TEST(a_loss_weighs_what_its_own_source_sampled_by)
{
	struct world w;
	uint64_t weight;

	world_new(&w);
	at_stop.outcome[RINGPROF_LOST_RING_FULL] = LOST_NOW;
	switch_to(&w, HZ / 10);
	collector_stop(w.c);
	CHECK_EQ(lost(&w, MARK_LOST + RINGPROF_LOST_RING_FULL, &weight), LOST_NOW);
	CHECK_EQ(weight, LOST_NOW * NSEC_PER_SEC / HZ);
	world_free(&w);
}

TEST(a_switch_misses_what_was_at_work)
{
	struct world w;
	uint64_t weight, n, ns;

	world_new(&w);
	/* so long that it is known how many CPUs are */
	nanosleep(&(struct timespec){ .tv_sec = 1, .tv_nsec = 300 * NSEC_PER_MSEC }, NULL);
	switch_to(&w, HZ * 2);
	ns = started_at - stopped_at;
	collector_stop(w.c);
	n = lost(&w, MARK_LOST_OTHER + LOST_MISSED, &weight);
	printf("# %" PRIu64 " periods, %" PRIu64 " us, in %" PRIu64 " us\n", n, weight / 1000,
	       ns / 1000);
	CHECK(ns >= OPEN_NS && ns < NSEC_PER_SEC);
	CHECK_EQ(weight, n * NSEC_PER_SEC / (HZ * 2));
	CHECK(weight > ns * BUSY * 3 / 4 && weight < ns * BUSY * 5 / 4);
	world_free(&w);
}

/* The end of a window from now on. */
static uint64_t next_window(struct world *w)
{
	uint64_t t = mono_now() + 5 * NSEC_PER_MSEC;

	CHECK_EQ(agg_cut(collector_agg(w->c), t), 0);
	CHECK_EQ(agg_wait(collector_agg(w->c), t, 20 * NSEC_PER_SEC), 0);
	return t;
}

TEST(a_source_that_is_gone_samples_no_cpus)
{
	struct collector_status s;
	struct window_list l;
	uint64_t from, to;
	struct world w;

	world_new(&w);
	__atomic_store_n(&refuse, true, __ATOMIC_RELEASE);
	CHECK_EQ(collector_reopen(w.c, &w.cfg.source), 0);
	do {
		nanosleep(&(struct timespec){ .tv_nsec = 10 * NSEC_PER_MSEC }, NULL);
		collector_status(w.c, &s);
	} while (s.running);
	CHECK_EQ(s.info.cpus, 0);
	from = next_window(&w);
	to = next_window(&w);
	CHECK_EQ(store_range_mono(w.store, 0, UINT64_MAX, &l), 0);
	CHECK(l.n >= 2);
	CHECK_EQ(l.w[0]->cpus, CPUS);
	CHECK_EQ(l.w[l.n - 1]->start, from);
	CHECK_EQ(l.w[l.n - 1]->end, to);
	CHECK_EQ(l.w[l.n - 1]->cpus, 0);
	window_list_free(&l);
	world_free(&w);
}

TEST(only_a_switch_leaves_a_gap)
{
	const struct source_info info = { .period = 1000000, .cpus = CPUS };
	struct source_counters sum = { 0 };
	struct gap g = { 0 };

	/* the first source of all */
	CHECK_EQ(gap_end(&g, 1000000000, &info), 0);
	/* nothing is known of the CPUs: all are taken to work */
	gap_begin(&g, 1000000000);
	CHECK_EQ(gap_end(&g, 1500000000, &info), 500 * CPUS);
	/* gone for long, and told once */
	gap_begin(&g, 1000000000);
	CHECK_EQ(gap_end(&g, 3000000001, &info), 0);
	CHECK_EQ(gap_end(&g, 3000000002, &info), 0);
	/* stopped on purpose before: no overflows, nothing to miss */
	gap_look(&g, 4000000000, &sum, &info);
	gap_look(&g, 5000000000, &sum, &info);
	gap_begin(&g, 6000000000);
	CHECK_EQ(gap_end(&g, 6500000000, &info), 0);
	/* one and a half CPUs of work in a second */
	gap_look(&g, 7000000000, &sum, &info);
	sum.calls = 4000;
	sum.outcome[RINGPROF_OUT_IDLE] = 2500;
	gap_look(&g, 8000000000, &sum, &info);
	gap_begin(&g, 8100000000);
	CHECK_EQ(gap_end(&g, 8200000000, &info), 150);
}

int main(void)
{
	return tap_main();
}
