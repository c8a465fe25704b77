// SPDX-License-Identifier: GPL-2.0
/*
 * Windows in which nothing could be sampled: no time in which nothing ran, in
 * time lines, trees, comparisons, and for the busiest.
 */
#include "query/diff.h"
#include "query/selector.h"
#include "query/series.h"
#include "test_query_fixture.h"

#define SEC NSEC_PER_SEC
#define N   20

static bool is_stopped(uint32_t i)
{
	return i % 4 >= 2;
}

/* N windows of 10 s: 1 core in two, nothing in the next two */
static void make_list(struct window_list *l)
{
	static struct window *w[N];
	struct model *m = model_new();
	uint32_t app = fix_object(m, FRAME_USER, "/bin/app");
	uint32_t th = fix_thread(m, fix_series(m, "web", NULL, NULL), 1, "webd");
	struct window_entry e = fix_entry(FIX_STACK(m, app, 16, 32), th, 1000);

	for (uint32_t i = 0; i < N; i++) {
		w[i] = fix_window(m, is_stopped(i) ? 0 : 1, &e, 0, NULL, i);
		w[i]->cpus = is_stopped(i) ? 0 : 2;
	}
	*l = (struct window_list){ .w = w, .n = N };
	model_unref(m);
}

static struct store *make_store(void)
{
	const struct store_config cfg = { .max_age = UINT64_MAX / 2, .max_bytes = 64 << 20 };
	struct store *s = store_new(&cfg);
	struct window_list l;

	make_list(&l);
	for (size_t i = 0; i < l.n; i++)
		CHECK_EQ(store_add(s, l.w[i]), 0);
	return s;
}

TEST(a_time_line_has_no_value_there)
{
	const struct query_env env = { .store = make_store() };
	const struct series_ask ask = { .from = FIX_WALL,
					.to = FIX_WALL + N * 10 * SEC,
					.step = 10 * SEC };
	struct series *s;

	CHECK_EQ(query_series(&env, &ask, NULL, NULL, &s), 0);
	CHECK_EQ(s->n_points, N);
	for (uint32_t i = 0; i < N; i++)
		CHECK_EQ(s->covered[i], is_stopped(i) ? 0 : 10 * SEC);
	series_free(s);
	store_free(env.store);
}

TEST(a_tree_is_of_what_could_be_sampled)
{
	struct window_list l;
	struct tree *t;

	make_list(&l);
	t = fix_tree(&l, "");
	CHECK_EQ(t->duration, N / 2 * 10 * SEC);
	CHECK_EQ(t->windows, N / 2);
	CHECK_EQ(t->wall_to, FIX_WALL + (N - 2) * 10 * SEC);
	CHECK_EQ(t->period, 10000000);
	CHECK_EQ(t->stretches, N / 2);
	tree_free(t);
	fix_free(&l);
}

TEST(a_rate_is_by_the_time_that_could_be_sampled)
{
	const struct diff_scale rate = { .mode = DIFF_RATE };
	struct window_list l, first;
	struct tree *a, *b;
	struct diff *d;

	make_list(&l);
	first = (struct window_list){ .w = l.w, .n = 2 };
	a = fix_tree(&first, "");
	b = fix_tree(&l, "");
	CHECK_EQ(diff_trees(a, b, &rate, &d), 0);
	/* a core each */
	CHECK_EQ((double)d->a.total / d->a.per * 1000, 1000);
	CHECK_EQ((double)d->b.total / d->b.per * 1000, 1000);
	diff_free(d);
	tree_free(a);
	tree_free(b);
	fix_free(&l);
}

/* a tenth of what could be sampled, not of all windows */
TEST(the_busiest_are_chosen_from_the_others)
{
	const struct query_env env = { .store = make_store() };
	const struct query_input in = { .to = UINT64_MAX, .busiest = 0.1 };
	struct tree *t;

	CHECK_EQ(query_tree(&env, &in, NULL, NULL, &t), 0);
	CHECK_EQ(t->windows, 1);
	tree_free(t);
	store_free(env.store);
}

int main(void)
{
	int r = tap_main();

	strtab_free(fix_texts());
	return r;
}
