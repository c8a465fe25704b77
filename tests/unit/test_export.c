// SPDX-License-Identifier: GPL-2.0
/* Folded, top, speedscope and flame graph of one tree: the same sums, and readable. */
#include <errno.h>
#include <jansson.h>

#include "export/export.h"
#include "tap.h"
#include "test_export_world.h"

static json_t *json_of(const struct buf *b)
{
	json_error_t e;
	json_t *j = json_loadb(b->data, b->len, JSON_REJECT_DUPLICATES, &e);

	if (!j)
		TAP_FAIL("no JSON: %s at %d: %.60s", e.text, e.position,
			 b->data + (e.position > 30 ? e.position - 30 : 0));
	return j;
}

static uint64_t number(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	if (!json_is_integer(v))
		TAP_FAIL("%s is no number", key);
	return (uint64_t)json_integer_value(v);
}

static uint64_t item(const json_t *o, const char *key, size_t i)
{
	json_t *v = json_array_get(json_object_get(o, key), i);

	if (!json_is_integer(v))
		TAP_FAIL("%s[%zu] is no number", key, i);
	return (uint64_t)json_integer_value(v);
}

static size_t length(const json_t *o, const char *key)
{
	return json_array_size(json_object_get(o, key));
}

static void check_totals(const json_t *j, const struct tree *t)
{
	CHECK_EQ(number(j, "version"), 1);
	CHECK_EQ(number(j, "total"), t->total);
	CHECK_EQ(number(j, "samples"), t->samples);
	CHECK_EQ(number(j, "lost"), t->lost);
	CHECK_EQ(number(j, "lost_samples"), t->lost_samples);
	CHECK_EQ(number(j, "truncated"), t->truncated);
	CHECK_EQ(number(j, "from_ms"), FIX_WALL / 1000000);
	CHECK_EQ(number(j, "windows"), t->windows);
	CHECK_EQ(number(j, "period"), 10000000);
}

TEST(folded_lines_add_up)
{
	struct world w;
	struct tree *t;
	struct buf b = { 0 };
	uint64_t sum = 0;
	size_t lines = 0;

	world_make(&w);
	t = fix_tree(&w.list, "");
	CHECK_EQ(export_folded(t, sink_buf(&b)), 0);
	for (char *save = NULL, *l = strtok_r(b.data, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save)) {
		char *end, *space = strrchr(l, ' ');

		CHECK(space && space > l);
		sum += strtoull(space + 1, &end, 10);
		CHECK(!*end);
		for (const char *p = l; *p; p++)
			CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
		lines++;
	}
	CHECK_EQ(sum, 3 * (WORLD_SAMPLES + WORLD_LOST));
	CHECK_EQ(lines, 12); /* as many stacks as pprof has samples */
	buf_free(&b);
	tree_free(t);
	world_free(&w);
}

TEST(folded_marks_kinds_and_mends_names)
{
	struct world w;
	struct tree *t;
	struct buf b = { 0 };

	world_make(&w);
	t = fix_tree(&w.list, "");
	CHECK_EQ(export_folded(t, sink_buf(&b)), 0);
	/* inlined functions stand outer first */
	CHECK(strstr(b.data, "main;fill(int);std::vector<int>::push_back(int);libc.so.6.f80;"));
	CHECK(strstr(b.data, "_[k];ext4_write_[k] 12\n"));
	CHECK(strstr(b.data, "[anon].f8727373545728_[j] 3\n"));
	CHECK(strstr(b.data, "[truncated: 4];semi:colon \"quote\" <b>&"));
	CHECK(strstr(b.data, "[truncated: 0] 3\n"));
	buf_free(&b);
	tree_free(t);
	world_free(&w);
}

/* An hour at a tenth of the rate is an hour: a tenth of the samples, each of ten periods. */
TEST(folded_of_two_rates_is_by_time)
{
	struct world w;
	struct tree *t;
	struct buf b = { 0 };
	char *line;

	world_make(&w);
	/* ext4_write's of the first window */
	w.w[0]->entries[3].weight *= 10;
	w.w[0]->weight += w.w[0]->entries[3].weight / 10 * 9;
	t = fix_tree(&w.list, "");
	CHECK_EQ(export_folded(t, sink_buf(&b)), 0);
	line = strstr(b.data, "_[k];ext4_write_[k] ");
	CHECK(line);
	/* 4 samples in each of three windows */
	CHECK_EQ(strtoull(strrchr(strtok(line, "\n"), ' '), NULL, 10), 4 * 10 + 2 * 4);
	buf_free(&b);
	tree_free(t);
	world_free(&w);
}

TEST(flamegraph_is_columns_in_preorder)
{
	struct world w;
	struct tree *t;
	struct buf b = { 0 };
	json_t *j, *nodes, *funcs;
	uint64_t self = 0, open[16] = { 0 };
	size_t n, depth = 0;

	world_make(&w);
	t = fix_tree(&w.list, "");
	t->funcs[0].self_se = 0.012;
	t->funcs[0].total_se = 0.5;
	CHECK_EQ(export_flamegraph(t, false, sink_buf(&b)), 0);
	j = json_of(&b);
	check_totals(j, t);
	CHECK(json_is_false(json_object_get(j, "cut")));
	CHECK_STR(json_string_value(json_object_get(j, "unit")), "nanoseconds");
	CHECK_STR(json_string_value(json_object_get(j, "type")), QUERY_TYPE_CPU);
	nodes = json_object_get(j, "nodes");
	funcs = json_object_get(j, "funcs");
	n = length(nodes, "parent");
	CHECK_EQ(n, t->n_nodes);
	CHECK(length(nodes, "func") == n && length(nodes, "self") == n &&
	      length(nodes, "total") == n);
	CHECK_EQ(item(nodes, "total", 0), t->total + t->lost);
	for (size_t i = 0; i < n; i++) {
		self += item(nodes, "self", i);
		CHECK(item(nodes, "func", i) < length(funcs, "name"));
		/* pre-order: the parent is still open */
		while (i && depth && open[depth - 1] != item(nodes, "parent", i))
			depth--;
		CHECK(!i || depth);
		open[depth++] = i;
		CHECK(depth < 16);
	}
	CHECK_EQ(self, t->total + t->lost);
	for (size_t i = 0; i < length(funcs, "name"); i++) {
		CHECK(item(funcs, "name", i) < length(j, "strings"));
		CHECK(item(funcs, "object", i) < length(j, "strings"));
		CHECK(item(funcs, "file", i) < length(j, "strings"));
		CHECK(item(funcs, "kind", i) <= FRAME_MARK);
	}
	CHECK_EQ(item(funcs, "self_error_ppm", 0), 12000);
	CHECK_EQ(item(funcs, "total_error_ppm", 0), 500000);
	CHECK_EQ(length(funcs, "self_error_ppm"), length(funcs, "name"));
	json_decref(j);
	buf_free(&b);
	tree_free(t);
	world_free(&w);
}

TEST(flamegraph_of_a_cut_tree_has_only_what_is_left)
{
	struct world w;
	struct tree *t;
	struct buf b = { 0 };
	json_t *j, *nodes;
	uint64_t last[4] = { UINT64_MAX };

	world_make_large(&w, 20000);
	t = fix_tree(&w.list, QUERY_TYPE_SAMPLES);
	CHECK_EQ(tree_cut(t, 50), 0);
	CHECK_EQ(export_flamegraph(t, true, sink_buf(&b)), 0);
	j = json_of(&b);
	check_totals(j, t);
	nodes = json_object_get(j, "nodes");
	CHECK(json_is_true(json_object_get(j, "cut")));
	CHECK_STR(json_string_value(json_object_get(j, "unit")), "count");
	CHECK_EQ(item(nodes, "total", 0), t->samples);
	CHECK(length(nodes, "parent") <= 100);
	CHECK(length(json_object_get(j, "funcs"), "name") <= 51);
	CHECK(length(j, "strings") <= 51 + 3);
	/* children of the root: heaviest first */
	for (size_t i = 1; i < length(nodes, "parent"); i++) {
		if (item(nodes, "parent", i))
			continue;
		CHECK(item(nodes, "total", i) <= last[0]);
		last[0] = item(nodes, "total", i);
	}
	json_decref(j);
	buf_free(&b);
	tree_free(t);
	world_free(&w);
}

TEST(top_counts_recursion_once)
{
	struct model *m = model_new();
	uint32_t app = fix_object(m, FRAME_USER, "/bin/rec");
	uint32_t th = fix_thread(m, fix_series(m, "s", NULL, NULL), 1, "s");
	/* a, a;b, a;b;a */
	struct window_entry e[] = {
		fix_entry(FIX_STACK(m, app, 16), th, 1),
		fix_entry(FIX_STACK(m, app, 16, 32), th, 2),
		fix_entry(FIX_STACK(m, app, 16, 32, 16), th, 4),
	};
	struct world w = { .w = { fix_window(m, 3, e, 0, NULL, 0) }, .list = { w.w, 1 } };
	struct tree *t = fix_tree(&w.list, "");
	struct buf b = { 0 };
	json_t *j, *rows;

	CHECK_EQ(export_top(t, true, 0, sink_buf(&b)), 0);
	j = json_of(&b);
	check_totals(j, t);
	rows = json_object_get(j, "rows");
	CHECK_EQ(json_array_size(rows), 2);
	CHECK_STR(json_string_value(json_object_get(json_array_get(rows, 0), "name")), "rec.f1");
	CHECK_EQ(number(json_array_get(rows, 0), "self_samples"), 5);
	CHECK_EQ(number(json_array_get(rows, 0), "total_samples"), 7);
	CHECK_EQ(number(json_array_get(rows, 1), "self_samples"), 2);
	CHECK_EQ(number(json_array_get(rows, 1), "total_samples"), 6);
	/* sqrt(2/7 * 5/7 / 7) */
	CHECK_EQ(json_number_value(json_object_get(json_array_get(rows, 1), "self_error_percent")) *
			 100,
		 1707);
	json_decref(j);
	buf_free(&b);
	tree_free(t);
	fix_free(&w.list);
	model_unref(m);
}

TEST(top_rows_add_up_and_can_be_few)
{
	struct world w;
	struct tree *t;
	struct buf b = { 0 };
	uint64_t self = 0;
	json_t *j, *row;
	size_t i, lines = 0;

	world_make(&w);
	t = fix_tree(&w.list, "");
	CHECK_EQ(export_top(t, true, 0, sink_buf(&b)), 0);
	j = json_of(&b);
	json_array_foreach(json_object_get(j, "rows"), i, row)
	{
		self += number(row, "self");
		CHECK(number(row, "self") <= number(row, "total"));
	}
	CHECK_EQ(self, t->total + t->lost);
	CHECK(strstr(b.data, "semi;colon \\\"quote\\\" \\u003cb>&"));
	json_decref(j);
	buf_reset(&b);
	CHECK_EQ(export_top(t, false, 3, sink_buf(&b)), 0);
	for (const char *p = b.data; (p = strchr(p, '\n')); p++)
		lines++;
	CHECK_EQ(lines, 4);
	CHECK(!strncmp(b.data, "self\tself%\t", 11));
	CHECK(strstr(b.data, "\tstd::vector<int>::push_back(int)\t/lld/server\n"));
	buf_free(&b);
	tree_free(t);
	world_free(&w);
}

TEST(speedscope_weights_add_up)
{
	struct world w;
	struct tree *t;
	struct buf b = { 0 };
	json_t *j, *p, *v;
	uint64_t sum = 0;
	size_t i, frames;

	world_make(&w);
	t = fix_tree(&w.list, "");
	CHECK_EQ(export_speedscope(t, "a \"name\"", sink_buf(&b)), 0);
	j = json_of(&b);
	frames = length(json_object_get(j, "shared"), "frames");
	p = json_array_get(json_object_get(j, "profiles"), 0);
	CHECK_STR(json_string_value(json_object_get(p, "type")), "sampled");
	CHECK_STR(json_string_value(json_object_get(p, "name")), "a \"name\"");
	CHECK_EQ(length(p, "samples"), length(p, "weights"));
	CHECK_EQ(length(p, "samples"), 12);
	json_array_foreach(json_object_get(p, "samples"), i, v)
	{
		CHECK(json_array_size(v) > 0);
		for (size_t k = 0; k < json_array_size(v); k++)
			CHECK((size_t)json_integer_value(json_array_get(v, k)) < frames);
		sum += item(p, "weights", i);
	}
	CHECK_EQ(sum, t->total + t->lost);
	CHECK_EQ(sum, number(p, "endValue"));
	json_decref(j);
	buf_free(&b);
	tree_free(t);
	world_free(&w);
}

static uint64_t folded_sum(const char *text)
{
	uint64_t sum = 0;

	for (const char *end = text; (end = strchr(end, '\n')); end++) {
		const char *digits = end;

		while (digits > text && digits[-1] != ' ')
			digits--;
		sum += strtoull(digits, NULL, 10);
	}
	return sum;
}

/* What is hidden as a whole is told by all of them. */
TEST(hidden_stacks_are_in_the_sums)
{
	struct query_env env = { 0 };
	struct frame_filter *hide;
	struct buf b = { 0 };
	uint64_t sum = 0, top = 0;
	json_t *j, *p, *v;
	struct world w;
	struct tree *t;
	char err[256];
	size_t i;

	world_make(&w);
	CHECK_EQ(frame_filter_parse(&hide, "server|evil", err, sizeof(err)), 0);
	env.view.hide = hide;
	CHECK_EQ(query_tree(&env, QUERY_LIST(&w.list), NULL, NULL, &t), 0);
	CHECK_EQ(export_folded(t, sink_buf(&b)), 0);
	CHECK_EQ(folded_sum(b.data), 3 * (WORLD_SAMPLES + WORLD_LOST));
	buf_reset(&b);
	CHECK_EQ(export_speedscope(t, NULL, sink_buf(&b)), 0);
	j = json_of(&b);
	p = json_array_get(json_object_get(j, "profiles"), 0);
	json_array_foreach(json_object_get(p, "weights"), i, v)
		sum += (uint64_t)json_integer_value(v);
	CHECK_EQ(sum, number(p, "endValue"));
	json_decref(j);
	buf_reset(&b);
	CHECK_EQ(export_top(t, true, 0, sink_buf(&b)), 0);
	j = json_of(&b);
	json_array_foreach(json_object_get(j, "rows"), i, v) top += number(v, "self");
	CHECK_EQ(top, t->total + t->lost);
	json_decref(j);
	buf_free(&b);
	tree_free(t);
	frame_filter_free(hide);
	world_free(&w);
}

static int broken_write(void *arg, const void *p, size_t n)
{
	size_t *left = arg;

	if (n > *left)
		return -EPIPE;
	*left -= n;
	return 0;
}

TEST(a_sink_that_fails_ends_each)
{
	struct world w;
	struct tree *t;

	world_make_large(&w, 20000);
	t = fix_tree(&w.list, "");
	for (size_t room = 0; room < 200000; room += 66000) {
		size_t left[4] = { room, room, room, room };

		CHECK_EQ(export_folded(t, (struct sink){ broken_write, &left[0] }), -EPIPE);
		CHECK_EQ(export_flamegraph(t, false, (struct sink){ broken_write, &left[1] }),
			 -EPIPE);
		CHECK_EQ(export_speedscope(t, NULL, (struct sink){ broken_write, &left[2] }),
			 -EPIPE);
		if (room < 100000)
			CHECK_EQ(export_top(t, true, 0, (struct sink){ broken_write, &left[3] }),
				 -EPIPE);
	}
	tree_free(t);
	world_free(&w);
}

TEST(nothing_sampled_can_be_written)
{
	struct world w = { 0 };
	struct tree *t = fix_tree(&w.list, "");
	struct buf b = { 0 };
	json_t *j;

	CHECK_EQ(export_folded(t, sink_buf(&b)), 0);
	CHECK_EQ(b.len, 0);
	CHECK_EQ(export_flamegraph(t, false, sink_buf(&b)), 0);
	j = json_of(&b);
	CHECK_EQ(length(json_object_get(j, "nodes"), "parent"), 1);
	json_decref(j);
	buf_reset(&b);
	CHECK_EQ(export_top(t, true, 10, sink_buf(&b)), 0);
	json_decref(json_of(&b));
	buf_reset(&b);
	CHECK_EQ(export_speedscope(t, NULL, sink_buf(&b)), 0);
	json_decref(json_of(&b));
	buf_free(&b);
	tree_free(t);
}

TEST(a_hundred_thousand_stacks)
{
	struct world w;
	struct tree *t;
	struct buf b = { 0 };
	uint64_t t0;

	world_make_large(&w, 100000);
	t = fix_tree(&w.list, "");
	t0 = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	CHECK_EQ(export_flamegraph(t, false, sink_buf(&b)), 0);
	printf("# flame graph of %u nodes: %zu bytes in %.1f ms of CPU\n", t->n_nodes, b.len,
	       (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - t0) / NSEC_PER_MSEC);
	buf_free(&b);
	tree_free(t);
	world_free(&w);
}

int main(void)
{
	int r = tap_main();

	strtab_free(fix_texts());
	return r;
}
