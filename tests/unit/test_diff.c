// SPDX-License-Identifier: GPL-2.0
/* Differential trees: merging, exactness, cutting, errors, exports. */
#include <errno.h>
#include <jansson.h>
#include <math.h>

#include "export/diff_export.h"
#include "export/pprof_read.h"
#include "profile.pb-c.h"
#include "query/diff_gate.h"
#include "query/diff_stats.h"
#include "test_diff_trees.h"
#include "test_random.h"

#define NEAR(x, y) CHECK(fabs((x) - (y)) < 1e-4 * fabs(y))

static struct diff *diff_of(const char *a, const char *b, enum diff_mode mode)
{
	const struct diff_scale scale = { .mode = mode, .a_work = 100, .b_work = 50 };
	struct tree *ta = dt_tree(a), *tb = dt_tree(b);
	struct diff *d = NULL;

	CHECK_EQ(diff_trees(ta, tb, &scale, &d), 0);
	tree_free(ta);
	tree_free(tb);
	return d;
}

static const struct diff_row *row_of(const struct diff *d, const struct diff_row *rows, uint32_t n,
				     const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (!strcmp(d->funcs[rows[i].func].f.name, name))
			return &rows[i];
	TAP_FAIL("no function %s", name);
}

static const struct diff_node *node_of(const struct diff *d, const char *name)
{
	for (uint32_t i = 1; i < d->n_nodes; i++)
		if (!strcmp(d->funcs[d->nodes[i].func].f.name, name))
			return &d->nodes[i];
	TAP_FAIL("no node %s", name);
}

/* what every diff must keep, whatever it was made of */
static void check_shape(const struct diff *d, const struct tree *a, const struct tree *b)
{
	uint64_t a_self = 0, b_self = 0, linked = 0, i = 0;

	for (uint32_t k = 0; k < d->n_nodes; k++) {
		const struct diff_node *n = &d->nodes[k];
		uint64_t sum_a = n->a_self, sum_b = n->b_self, samples = 0;

		CHECK(!k || n->parent < k);
		CHECK(n->func < d->n_funcs);
		a_self += n->a_self;
		b_self += n->b_self;
		for (uint32_t c = n->first_child; c; c = d->nodes[c].next) {
			CHECK_EQ(d->nodes[c].parent, k);
			sum_a += d->nodes[c].a_total;
			sum_b += d->nodes[c].b_total;
			samples += d->nodes[c].a_samples;
			linked++;
		}
		CHECK_EQ(sum_a, n->a_total);
		CHECK_EQ(sum_b, n->b_total);
		CHECK(samples <= n->a_samples);
		i++;
	}
	CHECK_EQ(linked, d->n_nodes - 1);
	CHECK_EQ(a_self, a->nodes[0].total);
	CHECK_EQ(b_self, b->nodes[0].total);
	CHECK_EQ(d->nodes[0].a_total, a->nodes[0].total);
	CHECK_EQ(d->nodes[0].b_total, b->nodes[0].total);
	CHECK_EQ(d->nodes[0].a_samples, a->nodes[0].total_samples);
	CHECK_EQ(d->a.total, a->total);
	CHECK_EQ(d->b.samples, b->samples);
}

TEST(both_sides_meet_in_one_tree)
{
	struct diff *d = diff_of("main;parse 100\nmain;run 300\nmain;old 50\n",
				 "main;parse 100\nmain;run 500\nmain;new;deep 40\n", DIFF_RATE);
	const struct diff_node *n = node_of(d, "run");

	CHECK_EQ(d->n_nodes, 7);
	CHECK_EQ(n->a_total, 300 * DT_NS);
	CHECK_EQ(n->b_total, 500 * DT_NS);
	CHECK(n->significant);
	CHECK(!node_of(d, "parse")->significant);
	CHECK_EQ(node_of(d, "old")->b_total, 0);
	CHECK_EQ(node_of(d, "deep")->a_samples, 0);
	CHECK(node_of(d, "deep")->significant);
	/* the heaviest child of either side comes first */
	CHECK_STR(d->funcs[d->nodes[d->nodes[1].first_child].func].f.name, "run");
	diff_free(d);
}

TEST(objects_of_one_side_meet_by_name_and_no_others)
{
	struct diff *d = diff_of("main@/old/prog;work@/old/prog 10\nmain@/bin/x 5\nwork@/bin/x 3\n",
				 "main@/new/prog;work@/new/prog 10\nmain@/bin/x 5\nwork@/bin/y 3\n",
				 DIFF_SHARE);
	struct diff_row *rows;
	uint32_t n, mains = 0;

	CHECK_EQ(diff_rows(d, &rows, &n), 0);
	for (uint32_t i = 0; i < n; i++)
		mains += !strcmp(d->funcs[rows[i].func].f.name, "main");
	CHECK_EQ(mains, 2);
	for (uint32_t i = 0; i < n; i++) {
		const struct tree_func *f = &d->funcs[rows[i].func].f;

		if (strcmp(f->name, "main") != 0)
			continue;
		CHECK(!strcmp(f->object, "/new/prog") || !strcmp(f->object, "/bin/x"));
		CHECK_EQ(rows[i].a_total, rows[i].b_total);
	}
	/* work of /bin/x is only the base's, that of /bin/y and of the program meet */
	CHECK_EQ(n, 4);
	free(rows);
	diff_free(d);
}

TEST(a_recursive_function_counts_once)
{
	struct diff *d = diff_of("f;g;f;g;f 10\nf 1\n", "f;g;f 20\n", DIFF_RATE);
	struct diff_row *rows;
	uint32_t n;

	CHECK_EQ(diff_rows(d, &rows, &n), 0);
	CHECK_EQ(row_of(d, rows, n, "f")->a_total, 11 * DT_NS);
	CHECK_EQ(row_of(d, rows, n, "f")->a_self, 11 * DT_NS);
	CHECK_EQ(row_of(d, rows, n, "g")->a_total, 10 * DT_NS);
	CHECK_EQ(row_of(d, rows, n, "g")->b_total, 20 * DT_NS);
	free(rows);
	diff_free(d);
}

TEST(units_are_what_was_asked_for)
{
	const char *a = "f 1000\n", *b = "f 1000\ng 1000\n";
	struct diff *d = diff_of(a, b, DIFF_RATE);
	struct diff_row *rows;
	uint32_t n;

	/* 1000 samples of 1 ms in 10 s */
	CHECK_EQ(diff_rows(d, &rows, &n), 0);
	CHECK(fabs(row_of(d, rows, n, "f")->a - 0.1) < 1e-12);
	CHECK(fabs(row_of(d, rows, n, "f")->delta) < 1e-12);
	CHECK(fabs(row_of(d, rows, n, "f")->se - 0.1 * sqrt(2.0 / 1000)) < 1e-9);
	CHECK_STR(diff_unit_name(d), "cores");
	free(rows);
	diff_free(d);
	d = diff_of(a, b, DIFF_WORK);
	CHECK_EQ(diff_rows(d, &rows, &n), 0);
	CHECK(fabs(row_of(d, rows, n, "f")->b - 1e9 / 50) < 1e-3);
	free(rows);
	diff_free(d);
	d = diff_of(a, b, DIFF_SHARE);
	CHECK_EQ(diff_rows(d, &rows, &n), 0);
	CHECK(fabs(row_of(d, rows, n, "f")->b - 0.5) < 1e-12);
	/* all of the base: its error is that of one sample */
	CHECK(fabs(row_of(d, rows, n, "f")->se - sqrt(0.25 / 2000 + 1e-6)) < 1e-9);
	free(rows);
	diff_free(d);
}

TEST(an_error_that_was_measured_counts)
{
	struct tree *a = dt_tree("f 1000\ng 1000\n"), *b = dt_tree("f 1200\ng 800\n");
	const struct diff_scale scale = { .mode = DIFF_SHARE };
	struct diff_row *rows;
	struct diff *d;
	uint32_t n;

	CHECK_EQ(diff_trees(a, b, &scale, &d), 0);
	CHECK(node_of(d, "f")->significant);
	diff_free(d);
	a->errors = b->errors = true;
	a->stretches = b->stretches = 20;
	for (uint32_t i = 1; i < 3; i++) {
		a->funcs[i].total_se = b->funcs[i].total_se = 0.05;
		a->nodes[i].se = b->nodes[i].se = 0.05;
	}
	CHECK_EQ(diff_trees(a, b, &scale, &d), 0);
	CHECK(!node_of(d, "f")->significant);
	CHECK(fabs(node_of(d, "f")->se - 0.05 * M_SQRT2) < 1e-6);
	CHECK_EQ(diff_rows(d, &rows, &n), 0);
	CHECK(!row_of(d, rows, n, "f")->significant);
	CHECK(row_of(d, rows, n, "f")->a_phi > 19);
	free(rows);
	diff_free(d);
	/* too few stretches to have measured anything */
	a->stretches = b->stretches = 5;
	CHECK_EQ(diff_trees(a, b, &scale, &d), 0);
	CHECK(node_of(d, "f")->significant);
	diff_free(d);
	tree_free(a);
	tree_free(b);
}

/* f changes from stretch to stretch, g does not: of 20 stretches */
static struct diff *measured_diff(const char *a, const char *b, double total_se, double self_se)
{
	const struct diff_scale scale = { .mode = DIFF_RATE };
	struct tree *t[2] = { dt_tree(a), dt_tree(b) };
	struct diff *d;

	for (int i = 0; i < 2; i++) {
		t[i]->errors = true;
		t[i]->stretches = 20;
		t[i]->funcs[1].total_se = t[i]->nodes[1].se = total_se;
		t[i]->funcs[1].self_se = self_se;
	}
	CHECK_EQ(diff_trees(t[0], t[1], &scale, &d), 0);
	tree_free(t[0]);
	tree_free(t[1]);
	return d;
}

TEST(a_node_is_judged_as_its_function)
{
	/* 2.7 standard errors: beyond the normal limit, within Student's of 19 degrees */
	struct diff *d = measured_diff("f 1000\ng 1000\n", "f 1000\ng 1124\n", 0.05, 0.05);
	struct diff_row *rows;
	uint32_t n;

	CHECK_EQ(diff_rows(d, &rows, &n), 0);
	CHECK(row_of(d, rows, n, "g")->significant);
	CHECK(node_of(d, "g")->significant);
	CHECK(node_of(d, "g")->se == row_of(d, rows, n, "g")->se);
	CHECK(diff_limit(d, true) > diff_limit(d, false));
	free(rows);
	diff_free(d);
}

TEST(own_time_has_an_error_of_its_own)
{
	struct diff *d = measured_diff("f 1000\nf;g 1000\n", "f 1200\nf;g 1000\n", 0, 0.05);
	const struct diff_row *f, *g;
	struct diff_row *rows;
	uint32_t n;

	CHECK_EQ(diff_rows(d, &rows, &n), 0);
	f = row_of(d, rows, n, "f");
	g = row_of(d, rows, n, "g");
	CHECK(!f->self_significant);
	CHECK(f->self_se > 4 * sqrt(2200) * 1e-4);
	CHECK(fabs(g->self_se - sqrt(2000) * 1e-4) < 1e-9);
	CHECK_EQ(f->b_self_samples, 1200);
	free(rows);
	diff_free(d);
	d = measured_diff("f 1000\nf;g 1000\n", "f 1200\nf;g 1000\n", 0, 0);
	CHECK_EQ(diff_rows(d, &rows, &n), 0);
	CHECK(row_of(d, rows, n, "f")->self_significant);
	free(rows);
	diff_free(d);
}

TEST(wrong_scales_are_refused)
{
	struct tree *a = dt_tree("f 10\n"), *b = dt_tree("f 10\n");
	struct diff_scale scale = { .mode = DIFF_WORK, .a_work = 1 };
	struct diff *d = NULL;

	CHECK_EQ(diff_trees(a, b, &scale, &d), -EINVAL);
	scale.b_work = NAN;
	CHECK_EQ(diff_trees(a, b, &scale, &d), -EINVAL);
	scale.mode = DIFF_SHARE;
	b->in_samples = true;
	CHECK_EQ(diff_trees(a, b, &scale, &d), -EINVAL);
	tree_free(a);
	tree_free(b);
}

/* a tree of random stacks over a few functions */
static uint32_t rnd(__u64 *seed)
{
	return (uint32_t)(next_random(seed) >> 32);
}

static struct tree *random_tree(__u64 *seed, uint32_t stacks)
{
	struct tree *t = dt_new();

	for (uint32_t i = 0; i < stacks; i++) {
		uint32_t node = 0, depth = 1 + rnd(seed) % 12;
		char name[16];

		while (depth--) {
			int n = snprintf(name, sizeof(name), "f%u@/o%u", rnd(seed) % 12,
					 rnd(seed) % 3);

			node = dt_child(t, node, dt_func(t, name, (size_t)n));
		}
		t->nodes[node].self_samples += rnd(seed) % 50;
	}
	dt_finish(t);
	return t;
}

TEST(nothing_is_lost_or_made_up)
{
	__u64 seed = 7;

	for (int k = 0; k < 30; k++) {
		const struct diff_scale scale = { .mode = (enum diff_mode)(k % 3),
						  .a_work = 1,
						  .b_work = 2 };
		struct tree *a = random_tree(&seed, rnd(&seed) % 120);
		struct tree *b = random_tree(&seed, rnd(&seed) % 120);
		struct diff *d;
		uint32_t max;

		CHECK_EQ(diff_trees(a, b, &scale, &d), 0);
		check_shape(d, a, b);
		for (max = d->n_nodes; max > 1; max = max * 2 / 3) {
			CHECK_EQ(diff_cut(d, max), 0);
			CHECK(d->n_nodes <= 2 * max);
			check_shape(d, a, b);
		}
		diff_free(d);
		tree_free(a);
		tree_free(b);
	}
}

/* ---- exports ---- */

static json_t *parsed(struct buf *b)
{
	json_t *o = json_loadb(b->data, b->len, 0, NULL);

	buf_free(b);
	CHECK(o);
	return o;
}

static const json_t *entry(const json_t *o, const char *table, const char *name, size_t i)
{
	const json_t *c = json_object_get(json_object_get(o, table), name);

	CHECK(json_is_array(c));
	return json_array_get(c, i);
}

static json_int_t column(const json_t *o, const char *name, size_t i)
{
	return json_integer_value(entry(o, "nodes", name, i));
}

TEST(flame_graph_has_both_sides)
{
	struct diff *d = diff_of("main;a 100\nmain;b 50\n", "main;a 900\nmain;c 10\n", DIFF_RATE);
	struct buf b = { 0 };
	json_t *o;

	CHECK_EQ(export_diff_flamegraph(d, false, sink_buf(&b)), 0);
	o = parsed(&b);
	CHECK_EQ(json_array_size(json_object_get(json_object_get(o, "nodes"), "parent")), 5);
	CHECK_EQ(column(o, "total_a", 0), 150 * DT_NS);
	CHECK_EQ(column(o, "total_b", 0), 910 * DT_NS);
	CHECK_EQ(column(o, "self_b", 2), 900 * DT_NS);
	CHECK_EQ(column(o, "significant", 2), 1);
	CHECK_STR(json_string_value(json_object_get(o, "compared")), "cores");
	CHECK_EQ(json_integer_value(json_object_get(json_object_get(o, "b"), "duration_ms")),
		 10000);
	json_decref(o);
	diff_free(d);
}

static double whole_se(const json_t *o)
{
	return json_number_value(json_object_get(json_object_get(o, "whole"), "se"));
}

TEST(flame_graph_tells_how_sure_each_change_is)
{
	struct diff *d = diff_of("f 1000\nf;g 1000\n", "f 2000\nf;g 1000\n", DIFF_RATE);
	struct buf b = { 0 };
	json_t *o;

	CHECK_EQ(export_diff_flamegraph(d, false, sink_buf(&b)), 0);
	o = parsed(&b);
	/* functions are numbered as they come: the root, f, g */
	CHECK_EQ(json_integer_value(entry(o, "funcs", "self_significant", 1)), 1);
	CHECK_EQ(json_integer_value(entry(o, "funcs", "total_significant", 1)), 1);
	CHECK_EQ(json_integer_value(entry(o, "funcs", "self_significant", 2)), 0);
	NEAR(json_number_value(entry(o, "funcs", "self_se", 1)), sqrt(3000) * 1e-4);
	NEAR(json_number_value(entry(o, "funcs", "total_se", 1)), sqrt(5000) * 1e-4);
	NEAR(json_number_value(entry(o, "nodes", "se", 2)), sqrt(2000) * 1e-4);
	CHECK(json_is_true(json_object_get(json_object_get(o, "whole"), "significant")));
	NEAR(whole_se(o), sqrt(5000) * 1e-4);
	NEAR(json_number_value(json_array_get(json_object_get(o, "limit"), 0)), 2.575829);
	json_decref(o);
	diff_free(d);
	/* shares of the whole are the whole, on both sides */
	d = diff_of("f 1000\n", "f 2000\n", DIFF_SHARE);
	CHECK_EQ(export_diff_flamegraph(d, false, sink_buf(&b)), 0);
	o = parsed(&b);
	CHECK(json_is_false(json_object_get(json_object_get(o, "whole"), "significant")));
	CHECK(whole_se(o) == 0);
	json_decref(o);
	diff_free(d);
}

TEST(table_tells_rows)
{
	struct diff *d = diff_of("main;a 100\nmain;b 50\n", "main;a 900\nmain;c 10\n", DIFF_RATE);
	struct buf b = { 0 };
	json_t *o, *row;

	CHECK_EQ(export_diff_table(d, 2, sink_buf(&b)), 0);
	o = parsed(&b);
	CHECK_EQ(json_array_size(json_object_get(o, "rows")), 2);
	row = json_array_get(json_object_get(o, "rows"), 0);
	CHECK_STR(json_string_value(json_object_get(row, "name")), "a");
	CHECK(fabs(json_number_value(json_object_get(row, "ratio")) - 8) < 1e-6);
	CHECK(fabs(json_number_value(json_object_get(row, "cores_b")) - 0.09) < 1e-9);
	CHECK(json_is_true(json_object_get(row, "significant")));
	json_decref(o);
	diff_free(d);
	d = diff_of("a 10\n", "b 10\n", DIFF_SHARE);
	CHECK_EQ(export_diff_table(d, 0, sink_buf(&b)), 0);
	o = parsed(&b);
	row = json_array_get(json_object_get(o, "rows"), 0);
	CHECK(json_is_null(json_object_get(row, "ratio")) ||
	      json_number_value(json_object_get(row, "ratio")) == -1);
	json_decref(o);
	diff_free(d);
}

TEST(pprof_has_the_base_negated)
{
	struct diff *d = diff_of("main;a 100\nmain;b 50\n", "main;a 900\n", DIFF_WORK);
	Ringprof__Pprof__Profile *p;
	struct pprof_info info;
	struct tree *t = NULL;
	struct buf b = { 0 };
	int64_t base = 0, head = 0;
	char err[256];

	CHECK_EQ(export_diff_pprof(d, sink_buf(&b)), 0);
	p = ringprof__pprof__profile__unpack(NULL, b.len, (uint8_t *)b.data);
	CHECK(p);
	for (size_t i = 0; i < p->n_sample; i++) {
		const Ringprof__Pprof__Sample *s = p->sample[i];

		CHECK_EQ(s->n_location_id, 2);
		if (s->n_label)
			CHECK_STR(p->string_table[s->label[0]->key], "pprof::base");
		*(s->n_label ? &base : &head) += s->value[0];
	}
	/* 150 ms for 100, beside 900 ms for 50 */
	CHECK_EQ(base, -150 * (int64_t)DT_NS / 2);
	CHECK_EQ(head, 900 * (int64_t)DT_NS);
	ringprof__pprof__profile__free_unpacked(p, NULL);
	/* a difference is no side of another one */
	CHECK_EQ(pprof_read(b.data, b.len, NULL, &t, &info, err, sizeof(err)), -EINVAL);
	CHECK(strstr(err, "difference"));
	buf_free(&b);
	diff_free(d);
}

/* ---- distributions, against tables ---- */

TEST(distributions_are_those_of_the_tables)
{
	NEAR(stat_normal_above(1.959964), 0.025);
	NEAR(stat_normal_above(6), 9.8659e-10);
	NEAR(stat_normal_quantile_above(0.005), 2.575829);
	NEAR(stat_normal_quantile_above(1e-9), 5.997807);
	NEAR(stat_t_above(2.364624, 7), 0.025);
	NEAR(stat_t_quantile_above(0.005, 10), 3.169273);
	NEAR(stat_t_quantile_above(1e-6, 7), 14.24102);
	NEAR(stat_t_above(-1, 5), 1 - 0.1816087);
	NEAR(stat_beta(0.3, 2, 5), 0.579825);
	NEAR(stat_beta(0.9, 0.5, 0.5), 0.795167);
	/* 9 or more of 9, each with 1/2; 8 or more of 10 with 0.3 */
	NEAR(stat_growth_p(0, 9, 0.5), 1.0 / 512);
	NEAR(stat_growth_p(2, 8, 0.3), 0.00159039);
	CHECK_EQ(stat_growth_p(5, 0, 0.5), 1);
	/* where the exact one ends, the normal tail goes on */
	CHECK(fabs(stat_growth_p(99500, 100500, 0.5) / stat_growth_p(99501, 100501, 0.5) - 1) <
	      0.01);
}

int main(void)
{
	return tap_main();
}
