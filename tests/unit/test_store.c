// SPDX-License-Identifier: GPL-2.0
#include "store/store.h"

#include <stdlib.h>

#include "tap.h"

#define SEC  1000000000ULL
#define WALL (1700000000ULL * SEC)

struct file *file_ref(struct file *f)
{
	return f;
}

void file_unref(struct file *f)
{
	(void)f;
}

/* A window of n entries, [start, start + len), wall = mono + WALL. */
static struct window *make(struct model *m, uint64_t start, uint64_t len, uint32_t n)
{
	struct window *w = calloc(1, sizeof(*w));

	w->refs = 1;
	w->model = model_ref(m);
	w->start = start;
	w->end = start + len;
	w->wall_start = WALL + start;
	w->n_entries = n;
	w->entries = n ? calloc(n, sizeof(*w->entries)) : NULL;
	return w;
}

static struct store *make_store(uint64_t age, size_t bytes)
{
	return store_new(&(struct store_config){ .max_age = age, .max_bytes = bytes });
}

static size_t range_n(struct store *s, uint64_t from, uint64_t to)
{
	struct window_list mono, wall;
	size_t n;

	CHECK_EQ(store_range_mono(s, from, to, &mono), 0);
	CHECK_EQ(store_range(s, WALL + from, WALL + to, &wall), 0);
	n = mono.n;
	CHECK_EQ(wall.n, n);
	for (size_t i = 0; i < n; i++) {
		CHECK(mono.w[i] == wall.w[i]);
		CHECK(!i || mono.w[i]->start >= mono.w[i - 1]->end);
	}
	window_list_free(&mono);
	window_list_free(&wall);
	return n;
}

TEST(ranges_take_what_overlaps)
{
	struct store *s = make_store(1000 * SEC, 64 << 20);
	struct model *m = model_new();

	CHECK_EQ(range_n(s, 0, 100 * SEC), 0);
	for (uint64_t i = 0; i < 10; i++)
		CHECK_EQ(store_add(s, make(m, (10 + i) * SEC, SEC, 1)), 0);
	CHECK_EQ(range_n(s, 0, 100 * SEC), 10);
	CHECK_EQ(range_n(s, 0, 10 * SEC), 0);
	CHECK_EQ(range_n(s, 0, 10 * SEC + 1), 1);
	CHECK_EQ(range_n(s, 20 * SEC, 100 * SEC), 0);
	CHECK_EQ(range_n(s, 20 * SEC - 1, 100 * SEC), 1);
	CHECK_EQ(range_n(s, 12 * SEC, 14 * SEC), 2);
	CHECK_EQ(range_n(s, 12 * SEC - 1, 14 * SEC + 1), 4);
	CHECK_EQ(range_n(s, 12 * SEC + 5, 12 * SEC + 6), 1);
	CHECK_EQ(range_n(s, 14 * SEC, 12 * SEC), 0);
	model_unref(m);
	store_free(s);
}

TEST(wall_ranges_survive_a_clock_set_back)
{
	struct store *s = make_store(1000 * SEC, 64 << 20);
	struct model *m = model_new();
	struct window *w = make(m, 10 * SEC, 10 * SEC, 0);
	struct window_list l;

	CHECK_EQ(store_add(s, w), 0);
	w = make(m, 20 * SEC, 10 * SEC, 0);
	w->wall_start = WALL + 5 * SEC; /* 15 s back */
	CHECK_EQ(store_add(s, w), 0);
	CHECK_EQ(store_range(s, WALL + 12 * SEC, WALL + 13 * SEC, &l), 0);
	CHECK_EQ(l.n, 2);
	window_list_free(&l);
	CHECK_EQ(store_range(s, WALL + 6 * SEC, WALL + 7 * SEC, &l), 0);
	CHECK_EQ(l.n, 1);
	CHECK_EQ(l.w[0]->start, 20 * SEC);
	window_list_free(&l);
	model_unref(m);
	store_free(s);
}

TEST(old_windows_go)
{
	struct store *s = make_store(100 * SEC, 64 << 20);
	struct model *m = model_new();
	struct store_counters c;

	for (uint64_t i = 0; i < 500; i++)
		CHECK_EQ(store_add(s, make(m, i * 10 * SEC, 10 * SEC, 2)), 0);
	store_counters(s, &c);
	/* those that end in the last 100 s, and the one that ends exactly then */
	CHECK_EQ(c.windows, 11);
	CHECK_EQ(c.dropped_by_age, 489);
	CHECK_EQ(c.dropped_by_budget, 0);
	CHECK_EQ(c.newest_wall, WALL + 5000 * SEC);
	CHECK_EQ(c.oldest_wall, WALL + 4890 * SEC);
	model_unref(m);
	store_free(s);
}

TEST(models_count_once_and_only_while_in_use)
{
	struct store *s = make_store(1000 * SEC, 64 << 20);
	struct model *m1 = model_new(), *m2 = model_new();
	size_t one = 0;
	struct store_counters c;

	for (uint64_t i = 0; i < 5; i++) {
		struct window *w = make(i < 3 ? m1 : m2, i * 10 * SEC, 10 * SEC, 4);

		one = window_bytes(w);
		CHECK_EQ(store_add(s, w), 0);
	}
	store_counters(s, &c);
	CHECK_EQ(c.bytes, 5 * one + model_bytes(m1) + model_bytes(m2));
	/* a model that grows is seen to */
	CHECK_EQ(model_add_frame(m2, 0, 1), 0);
	store_counters(s, &c);
	CHECK_EQ(c.bytes, 5 * one + model_bytes(m1) + model_bytes(m2));
	/* 15 s: windows that end at 35 s and later */
	store_reconfigure(s, &(struct store_config){ .max_age = 15 * SEC, .max_bytes = 64 << 20 });
	store_counters(s, &c);
	CHECK_EQ(c.windows, 2);
	CHECK_EQ(c.bytes, 2 * one + model_bytes(m2));
	model_unref(m1);
	model_unref(m2);
	store_free(s);
}

TEST(budget_drops_the_oldest)
{
	struct model *m = model_new();
	size_t limit = model_bytes(m) + 100 * 1024;
	struct store *s = make_store(1000000 * SEC, limit);
	struct store_counters c;
	size_t one = 0;

	for (uint64_t i = 0; i < 1000; i++) {
		struct window *w = make(m, i * 10 * SEC, 10 * SEC, 100);

		one = window_bytes(w);
		CHECK(one >= 100 * sizeof(struct window_entry));
		CHECK_EQ(store_add(s, w), 0);
		store_counters(s, &c);
		CHECK(c.bytes <= limit);
	}
	CHECK_EQ(c.windows, 100 * 1024 / one);
	CHECK_EQ(c.windows + c.dropped_by_budget, 1000);
	CHECK_EQ(c.newest_wall, WALL + 10000 * SEC);
	/* smaller than one model: the newest stays, so that there is an answer */
	store_reconfigure(s, &(struct store_config){ .max_age = 1000000 * SEC, .max_bytes = 1 });
	store_counters(s, &c);
	CHECK_EQ(c.windows, 1);
	model_unref(m);
	store_free(s);
}

TEST(references_outlive_the_store)
{
	struct store *s = make_store(1000 * SEC, 64 << 20);
	struct model *m = model_new();
	struct window_list l;

	CHECK_EQ(store_add(s, make(m, 0, 10 * SEC, 3)), 0);
	model_unref(m);
	CHECK_EQ(store_range_mono(s, 0, SEC, &l), 0);
	CHECK_EQ(l.n, 1);
	store_free(s);
	/* under ASan a freed window or model would be seen here */
	CHECK_EQ(l.w[0]->entries[2].count, 0);
	CHECK_EQ(model_stack(l.w[0]->model, 0)->parent, 0);
	window_list_free(&l);
	CHECK_EQ(l.n, 0);
}

int main(void)
{
	return tap_main();
}
