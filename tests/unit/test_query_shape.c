// SPDX-License-Identifier: GPL-2.0
/* What a view does to stacks, and the standard errors of shares. */
#include <errno.h>
#include <math.h>

#include "base/cleanup.h"
#include "query/category.h"
#include "query/feed.h"
#include "query/stack_merge.h"
#include "test_query_fixture.h"

/* names are "BASENAME.fN" for offset 16 N */
struct world {
	struct model *m;
	uint32_t app, lib, kernel, web, db;
	struct window *w[64];
	struct window_list list;
};

static void make_world(struct world *w)
{
	struct model *m = model_new();
	struct window_entry e[4];
	uint32_t s;

	memset(w, 0, sizeof(*w));
	w->m = m;
	w->app = fix_object(m, FRAME_USER, "/bin/app");
	w->lib = fix_object(m, FRAME_USER, "/lib/libz.so.1");
	w->kernel = fix_object(m, FRAME_KERNEL, "[kernel.kallsyms]");
	w->web = fix_thread(m, fix_series(m, "web", "unit", "w.service"), 10, "webd");
	w->db = fix_thread(m, fix_series(m, "db", NULL, NULL), 20, "dbd");
	/* app.f1 app.f2 libz.f1 libz.f2 */
	s = FIX_STACK(m, w->app, 16, 32);
	s = model_add_stack(m, s, model_add_frame(m, w->lib, 16));
	s = model_add_stack(m, s, model_add_frame(m, w->lib, 32));
	e[0] = fix_entry(s, w->web, 40);
	/* app.f1 app.f3 */
	e[1] = fix_entry(FIX_STACK(m, w->app, 16, 48), w->db, 30);
	/* app.f1 app.f3 and the kernel */
	s = FIX_STACK(m, w->app, 16, 48);
	e[2] = fix_entry(model_add_stack(m, s, model_add_frame(m, w->kernel, 16)), w->web, 20);
	/* recursion: app.f1 app.f1 app.f1 */
	e[3] = fix_entry(FIX_STACK(m, w->app, 16, 16, 16), w->db, 10);
	w->w[0] = fix_window(m, 4, e, 0, NULL, 0);
	w->list = (struct window_list){ .w = w->w, .n = 1 };
}

static void free_world(struct world *w)
{
	fix_free(&w->list);
	model_unref(w->m);
}

static struct frame_filter *filter(const char *text)
{
	struct frame_filter *f = NULL;
	char err[256];

	if (frame_filter_parse(&f, text, err, sizeof(err)))
		TAP_FAIL("%s: %s", text, err);
	return f;
}

static struct tree *shaped(const struct world *w, struct query_view view)
{
	const struct query_env env = { .view = view };
	struct tree *t = NULL;
	int r = query_tree(&env, QUERY_LIST(&w->list), NULL, NULL, &t);

	if (r)
		TAP_FAIL("query_tree gives %d", r);
	return t;
}

/* samples below the path of names "a;b;c"; ~0: there is no such path */
static uint64_t at(const struct tree *t, const char *path)
{
	char copy[256], *rest = copy, *name;
	uint32_t i = 0;

	snprintf(copy, sizeof(copy), "%s", path);
	while ((name = strsep(&rest, ";"))) {
		i = t->nodes[i].first_child;
		while (i && strcmp(t->funcs[t->nodes[i].func].name, name) != 0)
			i = t->nodes[i].next;
		if (!i)
			return ~0ULL;
	}
	return t->nodes[i].total_samples;
}

TEST(focus_ignore_and_hide)
{
	struct frame_filter *f3 = filter("app\\.f3$"), *libz = filter("libz"),
			    *kernel = filter("^\\[kernel");
	struct world w;
	struct tree *t;

	make_world(&w);
	t = shaped(&w, (struct query_view){ .focus = f3 });
	CHECK_EQ(t->samples, 50);
	CHECK_EQ(t->nodes[0].total_samples, 50);
	CHECK_EQ(t->left_out, 50 * 10000000ULL);
	CHECK_EQ(at(t, "app.f1;app.f3;[kernel.kallsyms].f1"), 20);
	CHECK_EQ(at(t, "app.f1;app.f2"), ~0ULL);
	tree_free(t);
	/* by the object, too */
	t = shaped(&w, (struct query_view){ .ignore = libz });
	CHECK_EQ(t->samples, 60);
	CHECK_EQ(at(t, "app.f1;app.f2"), ~0ULL);
	tree_free(t);
	/* a hidden frame's time is its caller's; nothing is left out */
	t = shaped(&w, (struct query_view){ .hide = kernel });
	CHECK_EQ(t->samples, 100);
	CHECK_EQ(t->left_out, 0);
	CHECK_EQ(at(t, "app.f1;app.f3"), 50);
	CHECK_EQ(at(t, "app.f1;app.f3;[kernel.kallsyms].f1"), ~0ULL);
	tree_free(t);
	t = shaped(&w, (struct query_view){ .focus = f3, .ignore = kernel });
	CHECK_EQ(t->samples, 30);
	tree_free(t);
	frame_filter_free(f3);
	frame_filter_free(libz);
	frame_filter_free(kernel);
	free_world(&w);
}

/* no time may be the root's own: what writes stacks would not tell it */
TEST(a_stack_without_any_frame_left_says_so)
{
	static const char *const keys[] = { "service_name" };
	struct frame_filter *app = filter("^/bin/app$"), *all = filter(".");
	struct world w;
	struct tree *t;

	make_world(&w);
	t = shaped(&w, (struct query_view){ .hide = app });
	CHECK_EQ(t->nodes[0].self, 0);
	CHECK_EQ(t->nodes[0].total_samples, 100);
	CHECK_EQ(at(t, "libz.so.1.f1;libz.so.1.f2"), 40);
	CHECK_EQ(at(t, "[kernel.kallsyms].f1"), 20);
	CHECK_EQ(at(t, "[hidden]"), 40);
	tree_free(t);
	t = shaped(&w, (struct query_view){ .hide = all, .invert = true });
	CHECK_EQ(at(t, "[hidden]"), 100);
	tree_free(t);
	t = shaped(&w, (struct query_view){ .hide = app, .group_by = keys, .n_group_by = 1 });
	CHECK_EQ(at(t, "service_name=db;[hidden]"), 40);
	CHECK_EQ(at(t, "service_name=web;[kernel.kallsyms].f1"), 20);
	tree_free(t);
	frame_filter_free(app);
	frame_filter_free(all);
	free_world(&w);
}

TEST(upside_down)
{
	struct world w;
	struct tree *t;

	make_world(&w);
	t = shaped(&w, (struct query_view){ .invert = true });
	CHECK_EQ(t->samples, 100);
	CHECK_EQ(at(t, "libz.so.1.f2;libz.so.1.f1;app.f2;app.f1"), 40);
	CHECK_EQ(at(t, "app.f3;app.f1"), 30);
	CHECK_EQ(at(t, "[kernel.kallsyms].f1;app.f3;app.f1"), 20);
	CHECK_EQ(at(t, "app.f1"), 10);
	tree_free(t);
	free_world(&w);
}

TEST(groups_are_the_outermost_frames)
{
	static const char *const labels[] = { "service_name", "unit" }, *const comm[] = { "comm" };
	struct world w;
	struct tree *t;

	make_world(&w);
	t = shaped(&w, (struct query_view){ .group_by = labels, .n_group_by = 2 });
	CHECK_EQ(at(t, "service_name=web"), 60);
	CHECK_EQ(at(t, "service_name=web;unit=w.service;app.f1"), 60);
	CHECK_EQ(at(t, "service_name=db;unit=;app.f1;app.f3"), 30);
	/* what groups are made of is no cut stack */
	CHECK_EQ(t->truncated, 0);
	tree_free(t);
	/* upside down within each group */
	t = shaped(&w, (struct query_view){ .group_by = comm, .n_group_by = 1, .invert = true });
	CHECK_EQ(at(t, "comm=webd;[kernel.kallsyms].f1;app.f3"), 20);
	tree_free(t);
	free_world(&w);
}

/* as the disk gives them, beside one of memory */
TEST(a_process_without_a_number_is_in_no_group)
{
	static const char *const labels[] = { "pid", "tid" };
	struct model_proc gone = { .comm = "", .exe = "" };
	struct window_entry e[2];
	struct world w;
	struct tree *t;

	make_world(&w);
	gone.series = fix_series(w.m, "web", NULL, NULL);
	e[0] = fix_entry(FIX_STACK(w.m, w.app, 16),
			 model_add_thread(w.m, model_add_proc(w.m, &gone), 0), 5);
	e[1] = fix_entry(FIX_STACK(w.m, w.app, 16), w.web, 7);
	w.w[w.list.n++] = fix_window(w.m, 2, e, 0, NULL, 1);
	t = shaped(&w, (struct query_view){ .group_by = labels, .n_group_by = 2 });
	CHECK_EQ(at(t, "pid=;tid=;app.f1"), 5);
	CHECK_EQ(at(t, "pid=10;tid=10;app.f1"), 60 + 7);
	tree_free(t);
	free_world(&w);
}

TEST(merged_by_binary_and_address)
{
	struct world w;
	struct tree *t;

	make_world(&w);
	t = shaped(&w, (struct query_view){ .merge = MERGE_BINARY });
	CHECK_EQ(at(t, "/bin/app"), 100);
	CHECK_EQ(at(t, "/bin/app;/lib/libz.so.1"), 40);
	CHECK_EQ(at(t, "/bin/app;/bin/app"), ~0ULL); /* runs are one frame */
	CHECK_EQ(t->n_nodes, 4);
	tree_free(t);
	t = shaped(&w, (struct query_view){ .merge = MERGE_ADDRESS });
	CHECK_EQ(at(t, "app.f1 0x10;app.f3 0x30"), 50);
	tree_free(t);
	free_world(&w);
}

TEST(merged_by_category)
{
	static const char rules[] = "# a comment\n\n  squash  binary   /libz\n"
				    "top function ^app\\.f1$\nsystem kind kernel\n";
	struct categories *c = NULL;
	char err[256];
	struct world w;
	struct tree *t;

	make_world(&w);
	CHECK_EQ(categories_parse(&c, rules, "x.rules", err, sizeof(err)), 0);
	t = shaped(&w, (struct query_view){ .merge = MERGE_CATEGORY, .categories = c });
	CHECK_EQ(at(t, "top;business;squash"), 40);
	CHECK_EQ(at(t, "top;business;system"), 20);
	CHECK_EQ(at(t, "top"), 100);
	tree_free(t);
	categories_unref(c);
	/* the built-in rules know zlib and the kernel */
	t = shaped(&w, (struct query_view){ .merge = MERGE_CATEGORY });
	CHECK_EQ(at(t, "business;compression"), 40);
	CHECK_EQ(at(t, "business;kernel"), 20);
	tree_free(t);
	free_world(&w);
}

TEST(expressions_that_run_for_ever_end_the_query)
{
	struct frame_filter *f = filter("(.|..|...)*(.|..|...)*[!?]");
	const struct query_env env = { .view = { .focus = f } };
	struct tree *t = NULL;
	struct world w;
	char err[256];

	make_world(&w);
	CHECK_EQ(query_tree(&env, QUERY_LIST(&w.list), NULL, NULL, &t), -ELOOP);
	frame_filter_free(f);
	free_world(&w);
	CHECK_EQ(frame_filter_parse(&f, "a(", err, sizeof(err)), -EINVAL);
	CHECK(strstr(err, "byte 3"));
	CHECK_EQ(frame_filter_parse(&f, "", err, sizeof(err)), -EINVAL);
}

static int limited(const struct world *w, size_t max_bytes)
{
	static const char *const labels[] = { "service_name" };
	struct frame_filter *f = filter("app");
	const struct query_env env = { .view = {
					       .focus = f, .group_by = labels, .n_group_by = 1 } };
	const struct query_limits lim = { .max_bytes = max_bytes };
	struct tree *t = NULL;
	int r = query_tree(&env, QUERY_LIST(&w->list), NULL, &lim, &t);

	frame_filter_free(f);
	tree_free(t);
	return r;
}

TEST(shapes_stay_within_the_budget)
{
	struct world w;
	int ok = 0;

	make_world(&w);
	for (size_t n = 1; n < 131072; n += 997) {
		int r = limited(&w, n);

		CHECK(r == -ENOMEM || !r);
		CHECK(!ok || !r);
		ok |= !r;
	}
	CHECK(ok);
	free_world(&w);
}

/* ---- standard errors ---- */

/* n windows; in window i `a[i]` of 100 samples are in app.f2, the others in app.f3 */
static void make_windows(struct world *w, uint32_t n, const uint32_t *a)
{
	struct model *m = model_new();

	memset(w, 0, sizeof(*w));
	w->m = m;
	w->app = fix_object(m, FRAME_USER, "/bin/app");
	w->web = fix_thread(m, fix_series(m, "web", NULL, NULL), 10, "webd");
	for (uint32_t i = 0; i < n; i++) {
		struct window_entry e[2] = {
			fix_entry(FIX_STACK(m, w->app, 16, 32), w->web, a[i]),
			fix_entry(FIX_STACK(m, w->app, 16, 48), w->web, 100 - a[i]),
		};

		w->w[i] = fix_window(m, 2, e, 0, NULL, i);
	}
	w->list = (struct window_list){ .w = w->w, .n = n };
}

static const struct tree_func *func(const struct tree *t, const char *name)
{
	for (uint32_t i = 0; i < t->n_funcs; i++)
		if (!strcmp(t->funcs[i].name, name))
			return &t->funcs[i];
	TAP_FAIL("no function %s", name);
}

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-9;
}

TEST(errors_follow_how_shares_change)
{
	/* by hand: mean 50, sum of squared deviations 16 * 30^2, se = sqrt(n/(n-1) * sum) / (100 n) */
	const uint32_t a[16] = { 20, 80, 20, 80, 20, 80, 20, 80, 20, 80, 20, 80, 20, 80, 20, 80 };
	const double want = sqrt(16.0 / 15 * 16 * 30 * 30) / 1600;
	struct world w;
	struct tree *t;

	make_windows(&w, 16, a);
	t = fix_tree(&w.list, "");
	CHECK(t->errors);
	CHECK_EQ(t->stretches, 16);
	CHECK(near(func(t, "app.f2")->self_se, want));
	CHECK(near(func(t, "app.f2")->total_se, want));
	CHECK(near(func(t, "app.f3")->self_se, want));
	/* all stacks go through f1: its share is 1 whatever happens */
	CHECK(near(func(t, "app.f1")->total_se, 0));
	for (uint32_t i = 0; i < t->n_nodes; i++)
		CHECK(near(t->nodes[i].se, t->nodes[i].total_samples == 1600 ? 0 : want));
	/* several times what that many independent samples would have */
	CHECK(want > 2 * sqrt(0.25 / 1600));
	tree_free(t);
	free_world(&w);
}

TEST(errors_are_never_below_the_binomial)
{
	uint32_t a[16];
	struct world w;
	struct tree *t;

	for (int i = 0; i < 16; i++)
		a[i] = 50;
	make_windows(&w, 16, a);
	t = fix_tree(&w.list, "");
	CHECK(near(func(t, "app.f2")->self_se, sqrt(0.25 / 1600)));
	tree_free(t);
	free_world(&w);
	/* too few stretches to tell anything from */
	a[0] = 0;
	a[1] = 100;
	make_windows(&w, 7, a);
	t = fix_tree(&w.list, "");
	CHECK_EQ(t->stretches, 7);
	CHECK(near(func(t, "app.f2")->self_se, sqrt(0.25 / 700)));
	tree_free(t);
	free_world(&w);
}

/* random programs whose share does not change: the error told is that of independent samples */
TEST(errors_of_independent_samples)
{
	uint32_t seed = 5, above = 0;

	for (int round = 0; round < 40; round++) {
		uint32_t a[64], sum = 0;
		struct world w;
		struct tree *t;
		double p, se;

		for (int i = 0; i < 64; i++) {
			a[i] = 0;
			for (int k = 0; k < 100; k++) {
				seed = seed * 1664525 + 1013904223;
				a[i] += seed >> 16 < 65536 * 3 / 10;
			}
			sum += a[i];
		}
		make_windows(&w, 64, a);
		t = fix_tree(&w.list, "");
		CHECK_EQ(t->stretches, 32);
		p = sum / 6400.0;
		se = func(t, "app.f2")->self_se;
		CHECK(se >= sqrt(p * (1 - p) / 6400) - 1e-12);
		CHECK(se < 1.6 * sqrt(p * (1 - p) / 6400));
		above += fabs(p - 0.3) > 2.576 * se;
		tree_free(t);
		free_world(&w);
	}
	printf("# 40 rounds, %u outside of 99 %%\n", above);
	CHECK(above <= 3);
}

TEST(recursion_counts_once)
{
	struct world w;
	struct tree *t;

	make_world(&w);
	t = fix_tree(&w.list, "");
	CHECK(near(func(t, "app.f1")->total_se, 0));
	CHECK(near(func(t, "app.f1")->self_se, sqrt(0.1 * 0.9 / 100)));
	tree_free(t);
	free_world(&w);
}

/* the collector adds to a model while a query reads its windows */
static int one_key(void *arg, struct stack_merge_model *mm, uint32_t frame, uint32_t *ret,
		   uint32_t *n)
{
	*n = 1;
	ret[0] = 7;
	return 0;
}

static int grow(void *arg, struct stack_merge_model *mm, const struct window_entry *e,
		uint32_t path)
{
	struct world *w = arg;
	uint32_t n = (uint32_t)w->list.n, th;
	struct window_entry next;

	if (n == 5)
		return 0;
	/* a label set, a thread, and 100 stacks that were not there before */
	th = fix_thread(w->m, fix_series(w->m, "new", "unit", n % 2 ? "a" : "b"), 100, "n");
	for (uint64_t i = 1; i <= 100; i++)
		next = fix_entry(FIX_STACK(w->m, w->app, 16, 65536 * n + 16 * i), th, 1);
	w->w[n] = fix_window(w->m, 1, &next, 0, NULL, n);
	w->list.n++;
	return 0;
}

TEST(a_model_that_grows)
{
	struct stack_merge m = { .frame = one_key, .entry = grow };
	struct budget b;
	struct world w;

	budget_init(&b, NULL);
	make_world(&w);
	w.w[0]->n_entries = 1;
	m.budget = &b;
	m.arg = &w;
	CHECK_EQ(stack_merge_init(&m), 0);
	CHECK_EQ(stack_merge_input(&m, &(struct query_env){ 0 }, QUERY_LIST(&w.list)), 0);
	CHECK_EQ(m.totals.windows, 5);
	CHECK_EQ(m.n_models, 1);
	stack_merge_free(&m);
	free_world(&w);
}

int main(void)
{
	int r = tap_main();

	strtab_free(fix_texts());
	return r;
}
