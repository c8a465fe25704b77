// SPDX-License-Identifier: GPL-2.0
/* Trees of short ranges, out of single samples. */
#include "query/query.h"
#include "test_store_raw.h"

static struct tree *tree(struct store *st, uint64_t from, uint64_t to, const char *text)
{
	struct query_env env = { .store = st,
				 .symbols = symbols_new(&(struct symbols_config){ 0 }, NULL) };
	const struct query_input in = { .from = from, .to = to };
	struct selector *sel;
	struct tree *t = NULL;
	char err[256];

	CHECK_EQ(selector_parse(&sel, text, err, sizeof(err)), 0);
	CHECK_EQ(query_tree(&env, &in, sel, &(struct query_limits){ 0 }, &t), 0);
	selector_free(sel);
	symbols_free(env.symbols);
	return t;
}

/* What the windows of [from, to) weigh, whole. */
static uint64_t weight(struct world_model *m, uint64_t from, uint64_t to)
{
	uint64_t sum = 0;

	for (uint64_t t = from; t < to; t += 10 * SEC) {
		struct window *w = raw_window(m, t);

		sum += w->weight;
		window_unref(w);
	}
	return sum;
}

/* Two windows' ends, or a part of one: to the moment, not by whole windows. */
TEST(short_ranges_are_cut_to_the_moment)
{
	static const struct {
		uint64_t from, to; /* ms */
	} ranges[] = { { 12000, 14000 },
		       { 12345, 12346 },
		       { 18500, 21250 },
		       { 10000, 20000 },
		       { 9999, 50001 } };
	struct world_model m;
	struct store *st;
	struct tree *t;

	world_begin();
	world_model(&m);
	st = open_raw(RAW_BYTES);
	fill(st, &m, BASE, BASE + 200 * SEC);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		uint64_t from = BASE + ranges[i].from * NSEC_PER_MSEC,
			 to = BASE + ranges[i].to * NSEC_PER_MSEC;

		t = tree(st, from, to, "{}");
		CHECK_EQ(t->samples, count(&m, from, to, 0, -1));
		CHECK_EQ(t->duration, to - from);
		CHECK_EQ(t->wall_from, from);
		CHECK_EQ(t->wall_to, to);
		CHECK_EQ(t->used.raw, (ranges[i].to - 1) / 10000 - ranges[i].from / 10000 + 1);
		/* lost ones have no time: two a window here, by its part */
		CHECK_EQ(t->lost_samples <= 2 * t->used.raw, 1);
		CHECK(t->lost_samples >= t->used.raw);
		tree_free(t);
		t = tree(st, from, to, "{tid=\"102\",cpu=\"3\"}");
		CHECK_EQ(t->samples, count(&m, from, to, 102, 3));
		tree_free(t);
	}
	/* whole windows are what they were */
	t = tree(st, BASE + 10 * SEC, BASE + 30 * SEC, "{}");
	CHECK_EQ(t->total, weight(&m, BASE + 10 * SEC, BASE + 30 * SEC));
	CHECK_EQ(t->lost_samples, 4);
	CHECK_EQ(t->used.raw, 2);
	tree_free(t);
	/* parts of one are all of it */
	{
		struct tree *a = tree(st, BASE + 10 * SEC, BASE + 13 * SEC, "{}"),
			    *b = tree(st, BASE + 13 * SEC, BASE + 20 * SEC, "{}");

		CHECK_EQ(a->total + b->total, weight(&m, BASE + 10 * SEC, BASE + 20 * SEC));
		tree_free(a);
		tree_free(b);
	}
	/* a longer one, and one that reaches into what is not written yet, are of windows */
	t = tree(st, BASE + 1 * SEC, BASE + 99 * SEC, "{}");
	CHECK_EQ(t->used.raw, 0);
	CHECK_EQ(t->duration, 100 * SEC);
	tree_free(t);
	t = tree(st, BASE + 191 * SEC, BASE + 230 * SEC, "{}");
	CHECK_EQ(t->used.raw, 0);
	CHECK_EQ(t->duration, 10 * SEC);
	tree_free(t);
	store_free(st);
	model_unref(m.m);
	world_end();
}

int main(void)
{
	return tap_main();
}
