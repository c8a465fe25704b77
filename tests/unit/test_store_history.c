// SPDX-License-Identifier: GPL-2.0
/* The history on disk: what was recorded comes back, from whatever tier, after whatever end. */
#include "store/history.h"

#include <errno.h>

#include "query/query.h"
#include "query/resolve.h"
#include "test_store_world.h"

#define SMALL 1 /* memory for the newest window alone: all else comes from disk */
#define BIG   (64 << 20)

TEST(comes_back_from_every_tier)
{
	static const uint64_t steps[] = { 10 * SEC, 60 * SEC, 600 * SEC, 3600 * SEC, 0 };
	struct world_model m;
	struct world_sums truth, got;
	struct store_used used;
	struct store *s;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 3 * 3600 * SEC);
	world_truth(&m, BASE, BASE + 3 * 3600 * SEC, &truth);
	for (size_t i = 0; i < 5; i++) {
		world_ask(s, BASE, BASE + 3 * 3600 * SEC, steps[i], &got, &used);
		world_same(&got, &truth);
		CHECK_EQ(got.longest, steps[i] ? steps[i] : 3600 * SEC);
		CHECK_EQ(used.from, BASE);
		CHECK_EQ(used.to, BASE + 3 * 3600 * SEC);
	}
	CHECK_EQ(used.windows[TIER_1H], 3);
	/* finer at the edges: 50 s + 5 min + 50 min + 1 h + 10 s */
	world_truth(&m, BASE + 3600 * SEC - 3350 * SEC, BASE + 7210 * SEC, &truth);
	world_ask(s, BASE + 250 * SEC, BASE + 7210 * SEC, 0, &got, &used);
	world_same(&got, &truth);
	CHECK_EQ(used.windows[TIER_1H], 1);
	CHECK_EQ(used.windows[TIER_10M], 5);
	CHECK_EQ(used.windows[TIER_1M], 5);
	CHECK_EQ(used.windows[TIER_10S] + used.windows[TIER_MEMORY], 6);
	store_free(s);
	model_unref(m.m);
	world_end();
}

TEST(memory_and_disk_meet)
{
	struct world_model m;
	struct world_sums truth, got;
	struct store_used used;
	struct store *s;

	world_begin();
	world_model(&m);
	s = world_open(BIG, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 2 * 3600 * SEC + 130 * SEC);
	world_truth(&m, BASE, BASE + 2 * 3600 * SEC + 130 * SEC, &truth);
	world_ask(s, 0, UINT64_MAX, 10 * SEC, &got, &used);
	world_same(&got, &truth);
	CHECK(used.windows[TIER_MEMORY] > 300);
	CHECK(used.windows[TIER_10S] > 300);
	/* a range that memory holds needs no disk */
	world_ask(s, BASE + 2 * 3600 * SEC, BASE + 2 * 3600 * SEC + 60 * SEC, 0, &got, &used);
	CHECK_EQ(used.windows[TIER_MEMORY], got.windows);
	store_free(s);
	model_unref(m.m);
	world_end();
}

/* At every moment all is told, wherever the age of memory cuts a ten in two. */
static void check_pieces(int64_t set)
{
	const struct store_config memory = { .max_age = 136 * SEC, .max_bytes = BIG };
	struct store_ask ask = { .to = UINT64_MAX, .step = 10 * SEC };
	uint64_t at = BASE, samples = 0;
	struct world_model m;
	struct store *s;

	world_begin();
	world_model(&m);
	s = world_open(BIG, 1ULL << 30);
	store_reconfigure(s, &memory);
	for (int i = 0; i < 120; i++) {
		uint64_t len = 4 * SEC;
		struct world_sums got = { 0 };
		struct window *w;

		if (i % 2) {
			at += (uint64_t)set;
			len = 6 * SEC - (uint64_t)set;
		}
		w = world_window(&m, at, len);
		samples += w->samples;
		CHECK_EQ(store_add(s, w), 0);
		store_sync(s);
		at += len;
		CHECK_EQ(store_feed(s, &ask, world_sum, &got, NULL), 0);
		CHECK_EQ(got.samples, samples);
		CHECK(set || got.duration == at - BASE);
	}
	store_free(s);
	model_unref(m.m);
	world_end();
}

TEST(a_ten_in_pieces_leaves_memory_whole)
{
	check_pieces(0);
}

/* By little: one row of the disk has what came before and after. */
TEST(a_ten_in_which_the_clock_was_set_leaves_memory_whole)
{
	check_pieces(30 * (int64_t)NSEC_PER_MSEC);
	check_pieces(-30 * (int64_t)NSEC_PER_MSEC);
	check_pieces(300 * (int64_t)NSEC_PER_MSEC);
}

TEST(a_restart_keeps_it)
{
	struct world_model m;
	struct world_sums truth, got;
	struct store_used used;
	struct store *s;

	world_begin();
	world_model(&m);
	for (uint64_t i = 0; i < 5; i++) {
		s = world_open(SMALL, 1ULL << 30);
		world_fill(s, &m, BASE + i * 1230 * SEC, BASE + (i + 1) * 1230 * SEC);
		store_free(s);
	}
	s = world_open(SMALL, 1ULL << 30);
	store_sync(s);
	world_truth(&m, BASE, BASE + 5 * 1230 * SEC, &truth);
	world_ask(s, 0, UINT64_MAX, 10 * SEC, &got, &used);
	world_same(&got, &truth);
	/* coarser windows reach over restarts */
	world_truth(&m, BASE, BASE + 3600 * SEC, &truth);
	world_ask(s, BASE, BASE + 3600 * SEC, 3600 * SEC, &got, &used);
	world_same(&got, &truth);
	CHECK_EQ(used.windows[TIER_1H], 1);
	CHECK_EQ(got.windows, 1);
	store_free(s);
	model_unref(m.m);
	world_end();
}

static int check_names(void *arg, struct window *w)
{
	const struct query_env env = { 0 };
	unsigned int *seen = arg;

	for (uint32_t i = 0; i < w->n_entries; i++) {
		const struct model_frame *f =
			model_frame(w->model, model_stack(w->model, w->entries[i].stack)->frame);
		const struct model_object *o = model_object(w->model, f->object);
		struct sym_answer a;
		uint64_t vaddr = 0;
		char want[64];

		query_resolve(&env, o, f->off, NULL, &a);
		if (o->kind == FRAME_KERNEL) {
			snprintf(want, sizeof(want), "[kernel]+0x%x", (unsigned int)f->off);
			CHECK_STR(a.lines[0].name, want);
			CHECK_EQ(a.named, 0);
			continue;
		}
		snprintf(want, sizeof(want), "fn_%u", (unsigned int)f->off);
		CHECK_STR(a.lines[0].name, want);
		CHECK_STR(a.lines[0].file, "a.c");
		CHECK_EQ(a.lines[0].line, f->off + 3);
		CHECK_EQ(a.lines[0].start_line, f->off);
		CHECK_STR(o->name, "/bin/app");
		CHECK_STR(o->build_id, "c0ffee");
		CHECK(query_vaddr(o, f->off, &vaddr));
		CHECK_EQ(vaddr, f->off + 0x1000);
		++*seen;
	}
	return 0;
}

/* Of kernel frames: how many, and how many lie where they may be told to lie. */
struct addresses {
	uint64_t all, told;
};

static int count_addresses(void *arg, struct window *w)
{
	const struct query_env env = { 0 };
	struct addresses *a = arg;

	for (uint32_t i = 0; i < w->n_entries; i++) {
		const struct model_frame *f =
			model_frame(w->model, model_stack(w->model, w->entries[i].stack)->frame);
		const struct model_object *o = model_object(w->model, f->object);

		if (o->kind != FRAME_KERNEL)
			continue;
		a->all++;
		a->told += f->off >= WORLD_TOLD && query_address(&env, o, f->off) == f->off;
	}
	return 0;
}

TEST(kernel_addresses_are_kept_as_they_may_be_told)
{
	struct store_ask ask = { .to = UINT64_MAX };
	struct addresses a = { 0 };
	struct world_sums truth;
	struct world_model m;
	struct store *s;

	world_begin();
	world_model(&m);
	world_tells = true;
	for (uint64_t i = 0; i < 2; i++) {
		s = world_open(SMALL, 1ULL << 30);
		world_fill(s, &m, BASE + i * 600 * SEC, BASE + (i + 1) * 600 * SEC);
		store_free(s);
	}
	/* what is read of them is written on as it is */
	s = world_open(SMALL, 1ULL << 30);
	for (unsigned int i = 0; i < 4; i++) {
		struct world_sums got;

		ask.step = history_steps[i];
		CHECK_EQ(store_feed(s, &ask, count_addresses, &a, NULL), 0);
		world_truth(&m, BASE, BASE + 1200 * SEC, &truth);
		world_ask(s, BASE, BASE + 1200 * SEC, ask.step, &got, NULL);
		CHECK_EQ(got.weight, truth.weight);
	}
	world_tells = false;
	CHECK(a.all > 1000);
	CHECK_EQ(a.told, a.all);
	store_free(s);
	model_unref(m.m);
	world_end();
}

TEST(names_outlive_their_programs)
{
	struct store_ask ask = { .to = UINT64_MAX };
	struct world_model m;
	unsigned int seen = 0;
	struct store *s;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 600 * SEC);
	store_free(s);
	model_unref(m.m);
	world_names_asked = 0;
	s = world_open(SMALL, 1ULL << 30);
	for (unsigned int i = 0; i < 4; i++) {
		ask.step = history_steps[i];
		CHECK_EQ(store_feed(s, &ask, check_names, &seen, NULL), 0);
	}
	CHECK(seen > 1000);
	store_free(s);
	world_end();
}

/* flag: what keeps names away at first */
static void names_come_late(bool *flag)
{
	struct store_ask ask = { .to = UINT64_MAX };
	struct world_model m;
	unsigned int seen = 0;
	uint64_t asked;
	struct store *s;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	*flag = true;
	world_fill(s, &m, BASE, BASE + 300 * SEC);
	asked = world_names_asked;
	world_fill(s, &m, BASE + 300 * SEC, BASE + 310 * SEC);
	/* not all of them with every window */
	CHECK(world_names_asked > asked && world_names_asked <= asked + 4 * 2 * 32);
	*flag = false;
	world_fill(s, &m, BASE + 310 * SEC, BASE + 600 * SEC);
	store_free(s);
	model_unref(m.m);
	s = world_open(SMALL, 1ULL << 30);
	for (unsigned int i = 0; i < 4; i++) {
		ask.step = history_steps[i];
		CHECK_EQ(store_feed(s, &ask, check_names, &seen, NULL), 0);
	}
	CHECK(seen > 1000);
	store_free(s);
	world_end();
}

TEST(names_that_come_late_are_kept)
{
	names_come_late(&world_nameless);
	/* one that may be readable later is not kept as it is now */
	names_come_late(&world_unsettled);
}

struct by_labels {
	uint64_t weight[WORLD_SERVICES], samples, lost, calls, windows;
};

static int add_labels(void *arg, uint64_t from, uint64_t to, uint64_t sampled,
		      const struct model_series *l, uint64_t samples, uint64_t weight)
{
	struct by_labels *b = arg;

	CHECK(from < to && sampled == to - from);
	if (!l) {
		b->lost += samples;
		b->windows++;
		return 0;
	}
	b->calls++;
	b->samples += samples;
	for (uint32_t i = 0; i < l->n; i++)
		if (!strcmp(l->labels[i].key, "service_name"))
			b->weight[atoi(l->labels[i].value + 3)] += weight;
	return 0;
}

TEST(totals_by_series_agree)
{
	struct world_model m;
	struct world_sums truth;
	struct selector *sel;
	struct store *s;
	char err[256];

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 3600 * SEC);
	world_truth(&m, BASE, BASE + 3600 * SEC, &truth);
	CHECK_EQ(selector_parse(&sel, "{service=~\"svc[13]\",comm=\"app\"}", err, sizeof(err)), 0);
	for (unsigned int i = 0; i < 4; i++) {
		struct store_ask ask = { .from = BASE,
					 .to = BASE + 3600 * SEC,
					 .step = history_steps[i] };
		struct by_labels all = { 0 }, some = { 0 };
		struct world_sums got = { 0 };

		CHECK_EQ(store_series(s, &ask, add_labels, &all), 0);
		CHECK_EQ(all.samples, truth.samples);
		CHECK_EQ(all.lost, truth.lost);
		for (int k = 0; k < WORLD_SERVICES; k++)
			CHECK_EQ(all.weight[k], truth.by_service[k]);
		ask.sel = sel;
		CHECK_EQ(store_series(s, &ask, add_labels, &some), 0);
		CHECK_EQ(some.weight[1], truth.by_service[1]);
		CHECK_EQ(some.weight[3], truth.by_service[3]);
		CHECK_EQ(some.weight[0] + some.weight[2] + some.weight[4], 0);
		CHECK_EQ(some.windows, all.windows);
		/* entries of the others are not read, but in the newest window, which is in memory */
		CHECK_EQ(store_feed(s, &ask, world_sum, &got, NULL), 0);
		CHECK_EQ(got.by_service[3], truth.by_service[3]);
		CHECK(got.by_service[0] < truth.by_service[0] / 100);
	}
	selector_free(sel);
	store_free(s);
	model_unref(m.m);
	world_end();
}

/* pid, tid and CPU are in memory alone: no window on disk is of CPU 0, nor of another one */
TEST(threads_and_cpus_are_found_in_memory_alone)
{
	static const char *const asked[] = { "{cpu=\"0\"}", "{cpu=~\"[0-3]\"}", "{cpu!=\"3\"}",
					     "{tid=\"0\"}", "{pid=\"0\"}",	"{pid=\"101\"}" };
	struct world_model m;
	struct store *s;
	char err[256];

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 600 * SEC);
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct store_ask ask = { .to = UINT64_MAX };
		struct world_sums got = { 0 };
		struct by_labels line = { 0 };
		struct selector *sel;
		struct store_used used;

		CHECK_EQ(selector_parse(&sel, asked[i], err, sizeof(err)), 0);
		ask.sel = sel;
		CHECK_EQ(store_feed(s, &ask, world_sum, &got, &used), 0);
		CHECK_EQ(used.windows[TIER_MEMORY], 1);
		CHECK_EQ(got.windows, 1);
		CHECK_EQ(used.from, BASE + 590 * SEC);
		CHECK_EQ(store_series(s, &ask, add_labels, &line), 0);
		CHECK_EQ(line.windows, 1);
		selector_free(sel);
	}
	store_free(s);
	model_unref(m.m);
	world_end();
}

TEST(gaps_and_a_clock_set_back)
{
	struct world_model m;
	struct world_sums got, truth;
	struct store *s;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 1000 * SEC);
	/* nothing for five minutes, then the clock is set back by ten */
	world_fill(s, &m, BASE + 1300 * SEC, BASE + 2000 * SEC);
	world_fill(s, &m, BASE + 1400 * SEC, BASE + 2500 * SEC);
	world_truth(&m, BASE, BASE + 1000 * SEC, &truth);
	for (uint64_t step = 10; step <= 3600; step *= 6) {
		struct store_ask ask = { .to = UINT64_MAX, .step = step * SEC };

		memset(&got, 0, sizeof(got));
		CHECK_EQ(store_feed(s, &ask, world_sum, &got, NULL), 0);
		/* 1000 s, 700 s and 1100 s were recorded */
		CHECK_EQ(got.duration, 2800 * SEC);
		world_ask(s, BASE, BASE + 1000 * SEC, step * SEC, &got, NULL);
		CHECK_EQ(got.samples, truth.samples);
	}
	store_free(s);
	model_unref(m.m);
	world_end();
}

TEST(what_is_set_aside_goes_before_what_is_good)
{
	struct history_counters c;
	struct world_model m;
	struct store *s;
	char path[256], line[512];
	FILE *f;

	world_begin();
	world_model(&m);
	snprintf(path, sizeof(path), "%s/10s-20240101-0.rph.refused", world_dir);
	f = fopen(path, "w");
	CHECK(f && !ftruncate(fileno(f), 6 << 20) && !fclose(f));
	s = world_open(SMALL, 16 << 20);
	world_fill(s, &m, BASE, BASE + 600 * SEC);
	history_counters(s, &c);
	CHECK(c.bytes > 6 << 20);
	CHECK(!access(path, F_OK));
	store_limit_history(s, &(struct history_config){ .max_bytes = 5 << 20,
							 .max_age = { DAY, DAY, DAY, DAY } });
	world_fill(s, &m, BASE + 600 * SEC, BASE + 660 * SEC);
	history_counters(s, &c);
	CHECK(c.bytes < 5 << 20);
	CHECK_EQ(c.dropped_by_budget, 0);
	CHECK(access(path, F_OK));
	CHECK(history_message(s, line, sizeof(line)) && strstr(line, "their room was needed"));
	store_free(s);
	model_unref(m.m);
	world_end();
}

TEST(two_writers_are_one_too_many)
{
	struct history_config c;
	char err[256] = "";
	struct store *a, *b;

	world_begin();
	a = world_open(SMALL, 1ULL << 30);
	b = store_new(&(struct store_config){ .max_age = SEC, .max_bytes = 1 });
	c = world_config(1ULL << 30);
	CHECK_EQ(store_open_history(b, &c, err, sizeof(err)), -EBUSY);
	CHECK(strstr(err, "another daemon"));
	store_free(b);
	store_free(a);
	world_end();
}

int main(void)
{
	return tap_main();
}
