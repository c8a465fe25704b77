// SPDX-License-Identifier: GPL-2.0
/* Trees: merging over windows and models, losses, limits, cutting. */
#include <errno.h>

#include "base/cleanup.h"
#include "tap.h"
#include "query/stack_merge.h"
#include "test_query_fixture.h"

/* child of p with that name, 0 none */
static uint32_t child(const struct tree *t, uint32_t p, const char *name)
{
	for (uint32_t i = t->nodes[p].first_child; i; i = t->nodes[i].next)
		if (!strcmp(t->funcs[t->nodes[i].func].name, name))
			return i;
	return 0;
}

/* every rule that holds for any tree */
static void check_tree(const struct tree *t)
{
	uint64_t self = 0, samples = 0, linked = 1;

	for (uint32_t i = 0; i < t->n_nodes; i++) {
		const struct tree_node *n = &t->nodes[i];
		uint64_t below = 0, last = UINT64_MAX;

		CHECK(!i || n->parent < i);
		CHECK(n->func < t->n_funcs);
		for (uint32_t c = n->first_child; c; c = t->nodes[c].next) {
			CHECK_EQ(t->nodes[c].parent, i);
			CHECK(t->nodes[c].total <= last);
			last = t->nodes[c].total;
			below += t->nodes[c].total;
			linked++;
		}
		CHECK_EQ(n->total, n->self + below);
		self += n->self;
		samples += n->self_samples;
	}
	CHECK_EQ(linked, t->n_nodes);
	CHECK_EQ(self, t->nodes[0].total);
	CHECK_EQ(samples, t->nodes[0].total_samples);
	CHECK_EQ(t->nodes[0].total, t->total + (t->lost_included ? t->lost : 0));
	CHECK_EQ(t->nodes[0].total_samples, t->samples + (t->lost_included ? t->lost_samples : 0));
}

/*
 * main -> a (3 samples), main -> b (2, of them 1 below c), in two windows of
 * one model and one of another, plus a truncated stack and losses.
 */
struct world {
	struct window *w[3];
	struct window_list list;
};

static void world_window(struct world *w, struct model *m, const char *service, int with_loss)
{
	uint32_t app = fix_object(m, FRAME_USER, "/bin/app"), n = (uint32_t)w->list.n;
	uint32_t kern = fix_object(m, FRAME_KERNEL, "[kernel.kallsyms]");
	uint32_t mark = fix_object(m, FRAME_MARK, "[ringprof]");
	uint32_t th = fix_thread(m, fix_series(m, service, NULL, NULL), 10 + (int)n, service);
	uint32_t b = FIX_STACK(m, app, 16, 48);
	uint32_t cut = model_add_stack(m, 0, model_add_frame(m, mark, 4));
	struct window_entry e[] = {
		fix_entry(FIX_STACK(m, app, 16, 32), th, 3),
		fix_entry(b, th, 1),
		fix_entry(model_add_stack(m, b, model_add_frame(m, kern, 64)), th, 1),
		fix_entry(model_add_stack(m, cut, model_add_frame(m, app, 32)), th, 2),
	};
	struct window_loss l[] = {
		{ .mark = MARK_LOST + 5, .count = 4, .weight = 40000000 },
		{ .mark = MARK_LOST_OTHER, .count = 1, .weight = 10000000 },
	};

	w->w[n] = fix_window(m, ARRAY_SIZE(e), e, with_loss ? 2 : 0, l, n);
	w->list.w = w->w;
	w->list.n = n + 1;
}

static void make_world(struct world *w)
{
	struct model *m1 = model_new(), *m2 = model_new();

	memset(w, 0, sizeof(*w));
	/* other numbers for the same things in the second model */
	fix_object(m2, FRAME_ANON, "[anon]");
	FIX_STACK(m2, 0, 1, 2, 3);
	world_window(w, m1, "api", 1);
	world_window(w, m1, "api", 0);
	world_window(w, m2, "db", 1);
	model_unref(m1);
	model_unref(m2);
}

TEST(merges_windows_and_models)
{
	struct world w;
	struct tree *t;
	uint32_t main_, b, cut, lost;

	make_world(&w);
	t = fix_tree(&w.list, "");
	check_tree(t);
	CHECK_EQ(t->total, 21 * 10000000);
	CHECK_EQ(t->samples, 21);
	CHECK_EQ(t->lost, 10 * 10000000);
	CHECK_EQ(t->lost_samples, 10);
	CHECK_EQ(t->truncated, 6 * 10000000);
	CHECK_EQ(t->windows, 3);
	CHECK_EQ(t->cpus, 2);
	CHECK_EQ(t->period, 10000000);
	CHECK_EQ(t->wall_from, FIX_WALL);
	CHECK_EQ(t->wall_to, FIX_WALL + 3 * WINDOW_NS);
	CHECK_EQ(t->duration, 3 * WINDOW_NS);
	main_ = child(t, 0, "app.f1");
	CHECK(main_);
	CHECK_EQ(t->nodes[main_].total_samples, 15);
	CHECK_EQ(t->nodes[child(t, main_, "app.f2")].self_samples, 9);
	b = child(t, main_, "app.f3");
	CHECK_EQ(t->nodes[b].self_samples, 3);
	CHECK_EQ(t->nodes[b].total_samples, 6);
	CHECK_EQ(t->nodes[child(t, b, "[kernel.kallsyms].f4")].self_samples, 3);
	cut = child(t, 0, "[truncated: 4]");
	CHECK_EQ(t->nodes[cut].total_samples, 6);
	CHECK_STR(t->funcs[t->nodes[cut].func].object, "[ringprof]");
	lost = child(t, 0, "[lost: 4101]");
	CHECK(lost && t->lost_included);
	CHECK_EQ(t->nodes[lost].self_samples, 8);
	CHECK_STR(t->funcs[t->nodes[0].func].name, "total");
	tree_free(t);
	fix_free(&w.list);
}

TEST(counts_samples_when_asked_to)
{
	struct world w;
	struct tree *t;

	make_world(&w);
	t = fix_tree(&w.list, QUERY_TYPE_SAMPLES);
	check_tree(t);
	CHECK(t->in_samples);
	CHECK_EQ(t->total, 21);
	CHECK_EQ(t->lost, 10);
	CHECK_EQ(t->truncated, 6);
	tree_free(t);
	fix_free(&w.list);
}

TEST(losses_stay_out_of_a_selection)
{
	struct world w;
	struct tree *t;

	make_world(&w);
	t = fix_tree(&w.list, "{service=\"db\"}");
	check_tree(t);
	CHECK_EQ(t->samples, 7);
	CHECK(!t->lost_included);
	CHECK_EQ(t->lost_samples, 10);
	CHECK(!child(t, 0, "[lost: 4101]"));
	CHECK_EQ(t->truncated, 2 * 10000000);
	tree_free(t);
	t = fix_tree(&w.list, "{service=\"nobody\"}");
	check_tree(t);
	CHECK_EQ(t->n_nodes, 1);
	tree_free(t);
	fix_free(&w.list);
}

TEST(each_frame_is_named_once_per_model)
{
	struct world w;

	make_world(&w);
	fix_resolved = 0;
	tree_free(fix_tree(&w.list, "{service=~\".+\"}"));
	/* 16, 32, 48, kernel 64, mark: 5 in each of the two models */
	CHECK_EQ(fix_resolved, 10);
	fix_free(&w.list);
}

TEST(inlined_functions_are_nodes)
{
	struct model *m = model_new();
	uint32_t app = fix_object(m, FRAME_USER, "/bin/inl");
	uint32_t th = fix_thread(m, fix_series(m, "s", NULL, NULL), 1, "s");
	struct window_entry e = fix_entry(FIX_STACK(m, app, 160, 320), th, 5);
	struct window *w = fix_window(m, 1, &e, 0, NULL, 0);
	struct window_list l = { .w = &w, .n = 1 };
	struct tree *t;
	uint32_t n = 0;

	fix_n_names = 0;
	fix_names[fix_n_names++] = (struct fix_name){ .object = "/bin/inl",
						      .off = 160,
						      .names = { "inner", "middle", "outer" },
						      .file = "a.c",
						      .line = 7,
						      .start_line = 3 };
	t = fix_tree(&l, "");
	check_tree(t);
	n = child(t, 0, "outer");
	n = n ? child(t, n, "middle") : 0;
	n = n ? child(t, n, "inner") : 0;
	n = n ? child(t, n, "inl.f20") : 0;
	CHECK(n);
	CHECK_EQ(t->nodes[n].self_samples, 5);
	CHECK_EQ(t->n_nodes, 5);
	CHECK_EQ(t->funcs[t->nodes[child(t, 0, "outer")].func].line, 3);
	tree_free(t);
	window_unref(w);
	model_unref(m);
	fix_n_names = 0;
}

TEST(kernel_modules_are_objects)
{
	struct model *m = model_new();
	uint32_t k = fix_object(m, FRAME_KERNEL, "[kernel.kallsyms]");
	uint32_t th = fix_thread(m, fix_series(m, "s", NULL, NULL), 1, "s");
	struct window_entry e = fix_entry(FIX_STACK(m, k, 160), th, 5);
	struct window *w = fix_window(m, 1, &e, 0, NULL, 0);
	struct window_list l = { .w = &w, .n = 1 };
	struct tree *t;

	fix_names[0] = (struct fix_name){ .object = "[kernel.kallsyms]",
					  .off = 160,
					  .names = { "ext4_write" },
					  .module = "ext4" };
	fix_n_names = 1;
	t = fix_tree(&l, "");
	CHECK_STR(t->funcs[t->nodes[1].func].object, "[ext4]");
	tree_free(t);
	window_unref(w);
	model_unref(m);
	fix_n_names = 0;
}

/* a stack deeper than any recursion would bear, and the empty one */
TEST(depth_has_no_limit_and_the_empty_stack_a_name)
{
	struct model *m = model_new();
	uint32_t app = fix_object(m, FRAME_USER, "/bin/deep"), s = 0;
	uint32_t th = fix_thread(m, fix_series(m, "s", NULL, NULL), 1, "s");
	struct window_entry e[2];
	struct window *w;
	struct window_list l = { .w = &w, .n = 1 };
	struct tree *t;

	for (uint64_t i = 1; i <= 100000; i++)
		s = model_add_stack(m, s, model_add_frame(m, app, i * 16));
	e[0] = fix_entry(0, th, 2);
	e[1] = fix_entry(s, th, 1);
	w = fix_window(m, 2, e, 0, NULL, 0);
	t = fix_tree(&l, "");
	check_tree(t);
	CHECK_EQ(t->n_nodes, 100002);
	CHECK_EQ(t->samples, 3);
	CHECK_EQ(t->nodes[child(t, 0, "[truncated: 0]")].self_samples, 2);
	tree_free(t);
	window_unref(w);
	model_unref(m);
}

static int limited(const struct window_list *l, struct query_limits lim)
{
	struct tree *t = NULL;
	int r = query_tree(&(struct query_env){ 0 }, QUERY_LIST(l), NULL, &lim, &t);

	tree_free(t);
	return r;
}

TEST(limits_end_a_query)
{
	struct world w;
	int cancelled = 1;

	make_world(&w);
	CHECK_EQ(limited(&w.list, (struct query_limits){ 0 }), 0);
	CHECK_EQ(limited(&w.list, (struct query_limits){ .cancelled = &cancelled }), -ECANCELED);
	CHECK_EQ(limited(&w.list, (struct query_limits){ .max_ns = 1 }), -ETIMEDOUT);
	for (size_t n = 1; n < 65536; n += 509) {
		int r = limited(&w.list, (struct query_limits){ .max_bytes = n });

		CHECK(r == -ENOMEM || (!r && n > 4096));
	}
	fix_free(&w.list);
}

TEST(impossible_windows_are_refused)
{
	struct world w;

	make_world(&w);
	w.w[0]->entries[0].stack = 1 << 30;
	CHECK_EQ(limited(&w.list, (struct query_limits){ 0 }), -EBADMSG);
	w.w[0]->entries[0].stack = 1;
	w.w[0]->entries[0].thread = 1 << 30;
	CHECK_EQ(limited(&w.list, (struct query_limits){ 0 }), -EBADMSG);
	fix_free(&w.list);
}

static uint32_t rnd(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* n entries with random stacks, up to `deep` frames of `wide` functions */
static struct window *random_window(struct model *m, uint32_t n, uint32_t deep, uint32_t wide,
				    uint32_t number, uint32_t *seed)
{
	uint32_t app = fix_object(m, FRAME_USER, "/bin/rnd");
	uint32_t th = fix_thread(m, fix_series(m, "s", NULL, NULL), 1, "s");
	struct window_entry *e = calloc(n, sizeof(*e));
	struct window *w;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t s = 0, d = 1 + rnd(seed) % deep;

		while (d--)
			s = model_add_stack(m, s,
					    model_add_frame(m, app, 16 + 16 * (rnd(seed) % wide)));
		e[i] = fix_entry(s, th, 1 + rnd(seed) % 9);
	}
	w = fix_window(m, n, e, 0, NULL, number);
	free(e);
	return w;
}

TEST(cut_keeps_the_heaviest_and_all_sums)
{
	struct model *m = model_new();
	uint32_t seed = 7, sizes[] = { 1, 2, 3, 10, 100, 1000 };
	struct window *w = random_window(m, 3000, 12, 20, 0, &seed);
	struct window_list l = { .w = &w, .n = 1 };

	for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
		struct tree *t = fix_tree(&l, ""), *whole = fix_tree(&l, "");
		uint64_t total = t->nodes[0].total, lightest = UINT64_MAX;
		uint32_t kept = 0, heavier = 0;

		CHECK_EQ(tree_cut(t, sizes[k]), 0);
		check_tree(t);
		CHECK_EQ(t->nodes[0].total, total);
		for (uint32_t i = 0; i < t->n_nodes; i++) {
			if (!strcmp(t->funcs[t->nodes[i].func].name, "(other)"))
				continue;
			kept++;
			lightest = t->nodes[i].total < lightest ? t->nodes[i].total : lightest;
		}
		CHECK_EQ(kept, sizes[k]);
		for (uint32_t i = 0; i < whole->n_nodes; i++)
			heavier += whole->nodes[i].total > lightest;
		CHECK(heavier < sizes[k]);
		tree_free(t);
		tree_free(whole);
	}
	window_unref(w);
	model_unref(m);
}

TEST(cut_of_nothing_changes_nothing)
{
	struct world w;
	struct tree *t;
	uint32_t n;

	make_world(&w);
	t = fix_tree(&w.list, "");
	n = t->n_nodes;
	CHECK_EQ(tree_cut(t, 0), 0);
	CHECK_EQ(tree_cut(t, n), 0);
	CHECK_EQ(tree_cut(t, UINT32_MAX), 0);
	CHECK_EQ(t->n_nodes, n);
	tree_free(t);
	fix_free(&w.list);
}

TEST(more_models_than_are_remembered)
{
	enum { N = 3 * STACK_MERGE_MODELS }; /* in turns: each comes twice */
	struct window *ws[2 * N];
	struct window_list l = { .w = ws, .n = 2 * N };
	struct tree *t;

	for (uint32_t i = 0; i < N; i++) {
		struct model *m = model_new();
		uint32_t app = fix_object(m, FRAME_USER, "/bin/app");
		uint32_t th = fix_thread(m, fix_series(m, "s", NULL, NULL), 1, "s");
		struct window_entry e = fix_entry(FIX_STACK(m, app, 16, 32), th, 1);

		ws[i] = fix_window(m, 1, &e, 0, NULL, i);
		ws[N + i] = fix_window(m, 1, &e, 0, NULL, N + i);
		model_unref(m);
	}
	t = fix_tree(&l, "");
	CHECK_EQ(t->samples, 2 * N);
	CHECK_EQ(t->n_nodes, 3);
	tree_free(t);
	fix_free(&l);
}

/* an hour of a busy host: 360 windows of 2000 entries; the figure is printed, not judged */
TEST(an_hour)
{
	struct model *m = model_new();
	struct window *w[360];
	struct window_list l = { .w = w, .n = 360 };
	uint32_t seed = 3, pool;
	struct tree *t;
	uint64_t t0;

	w[0] = random_window(m, 20000, 24, 6, 0, &seed);
	pool = w[0]->n_entries;
	for (uint32_t i = 1; i < 360; i++) {
		struct window_entry e[2000];

		for (uint32_t k = 0; k < 2000; k++)
			e[k] = w[0]->entries[rnd(&seed) % pool];
		w[i] = fix_window(m, 2000, e, 0, NULL, i);
	}
	t0 = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	t = fix_tree(&l, "{service=~\"s|t\"}");
	printf("# hour: %zu entries, %u nodes in %.1f ms of CPU\n", (size_t)359 * 2000 + pool,
	       t->n_nodes, (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - t0) / NSEC_PER_MSEC);
	check_tree(t);
	t0 = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	CHECK_EQ(tree_cut(t, 8192), 0);
	printf("# cut to 8192: %.1f ms of CPU\n",
	       (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - t0) / NSEC_PER_MSEC);
	check_tree(t);
	tree_free(t);
	fix_free(&l);
	model_unref(m);
}

int main(void)
{
	int r = tap_main();

	strtab_free(fix_texts());
	return r;
}
