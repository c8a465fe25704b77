// SPDX-License-Identifier: GPL-2.0
/* Time lines, label sets, and the busiest windows, out of a store of made-up windows. */
#include <errno.h>

#include "base/cleanup.h"
#include "query/labels.h"
#include "query/selector.h"
#include "query/series.h"
#include "test_query_fixture.h"

/* ten windows of 10 s: `web` has 10 i samples of 10 ms in window i, `db` 50; 1 is lost in each */
static struct store *make_store(uint32_t n)
{
	const struct store_config cfg = { .max_age = UINT64_MAX / 2, .max_bytes = 64 << 20 };
	const struct window_loss lost = { .mark = MARK_LOST + 1, .count = 1, .weight = 10000000 };
	struct store *s = store_new(&cfg);
	struct model *m = model_new();
	uint32_t app = fix_object(m, FRAME_USER, "/bin/app");
	uint32_t web = fix_thread(m, fix_series(m, "web", "service_version", "1"), 1, "webd");
	uint32_t db = fix_thread(m, fix_series(m, "db", "unit", "db.service"), 2, "dbd");

	for (uint32_t i = 0; i < n; i++) {
		struct window_entry e[2] = { fix_entry(FIX_STACK(m, app, 16, 32), web, 10 * i),
					     fix_entry(FIX_STACK(m, app, 16, 48), db, 50) };

		CHECK_EQ(store_add(s, fix_window(m, 2, e, 1, &lost, i)), 0);
	}
	model_unref(m);
	return s;
}

static const char *const by_service[] = { "service_name" };

static struct series *line(struct store *st, struct series_ask ask, const char *selector)
{
	const struct query_env env = { .store = st };
	struct selector *sel;
	struct series *s = NULL;
	char err[256];
	int r;

	if (selector_parse(&sel, selector, err, sizeof(err)))
		TAP_FAIL("%s", err);
	r = query_series(&env, &ask, sel, NULL, &s);
	selector_free(sel);
	if (r)
		TAP_FAIL("query_series gives %d", r);
	return s;
}

#define SEC NSEC_PER_SEC

TEST(points_hold_what_windows_had)
{
	struct store *st = make_store(10);
	struct series *s = line(st,
				(struct series_ask){ .from = FIX_WALL,
						     .to = FIX_WALL + 100 * SEC,
						     .step = 10 * SEC,
						     .group_by = by_service,
						     .n_group_by = 1 },
				"");

	CHECK_EQ(s->n_points, 10);
	CHECK_EQ(s->n_groups, 2);
	CHECK_STR(s->groups[0].values[0], "db");
	CHECK_STR(s->groups[1].values[0], "web");
	for (uint32_t i = 0; i < 10; i++) {
		CHECK_EQ(s->covered[i], 10 * SEC);
		CHECK_EQ(s->groups[0].samples[i], 50);
		CHECK_EQ(s->groups[1].weight[i], i * 100000000ULL);
		CHECK_EQ(s->lost_samples[i], 1);
		CHECK_EQ(s->samples[i], 50 + 10 * i);
	}
	CHECK_EQ(s->groups[1].first, FIX_WALL + 10 * SEC); /* nothing in window 0 */
	CHECK_EQ(s->groups[1].last, FIX_WALL + 100 * SEC);
	CHECK_EQ(s->total, (500 + 450) * 10000000ULL);
	series_free(s);
	store_free(st);
}

/* steps that do not fit windows: nothing is lost or counted twice */
TEST(sums_are_exact_whatever_the_step)
{
	static const uint64_t steps[] = { 1, 3, 7, 10, 11, 30, 47, 600 };
	struct store *st = make_store(10);

	for (size_t k = 0; k < ARRAY_SIZE(steps); k++) {
		struct series *s = line(st,
					(struct series_ask){ .from = FIX_WALL - 100 * SEC,
							     .to = FIX_WALL + 200 * SEC,
							     .step = steps[k] * SEC },
					"");
		uint64_t covered = 0, samples = 0, lost = 0;

		CHECK_EQ(s->n_groups, 1);
		CHECK_EQ(s->from % (steps[k] * SEC), 0);
		for (uint32_t i = 0; i < s->n_points; i++) {
			covered += s->covered[i];
			samples += s->samples[i];
			lost += s->lost[i];
		}
		CHECK_EQ(covered, 100 * SEC);
		CHECK_EQ(samples, 950);
		CHECK_EQ(lost, 10 * 10000000ULL);
		CHECK_EQ(s->total, 9500000000ULL);
		series_free(s);
	}
	store_free(st);
}

TEST(groups_past_the_limit_are_one)
{
	struct store *st = make_store(10);
	struct series_ask ask = { .from = FIX_WALL,
				  .to = FIX_WALL + 100 * SEC,
				  .max_points = 300,
				  .group_by = by_service,
				  .n_group_by = 1,
				  .max_groups = 1 };
	struct series *s = line(st, ask, "");

	CHECK_EQ(s->step, 10 * SEC); /* no window is shorter */
	CHECK_EQ(s->n_groups, 2);
	CHECK(s->groups[1].other && !s->groups[0].other);
	CHECK_EQ(s->groups[1].total_samples, 450);
	series_free(s);
	s = line(st, ask, "{service_name=\"web\"}");
	CHECK_EQ(s->n_groups, 1);
	CHECK(!s->groups[0].other);
	CHECK_EQ(s->total, 4500000000ULL);
	CHECK_EQ(s->lost_samples[0], 1); /* the host's, whatever was asked for */
	series_free(s);
	store_free(st);
}

TEST(steps_that_people_use)
{
	CHECK_EQ(series_step(60 * SEC, 300), 10 * SEC);
	CHECK_EQ(series_step(3600 * SEC, 300), 15 * SEC);
	CHECK_EQ(series_step(86400 * SEC, 300), 300 * SEC);
	CHECK_EQ(series_step(7 * 86400 * SEC, 300), 3600 * SEC);
	CHECK_EQ(series_step(365ULL * 86400 * SEC, 300), 2 * 86400 * SEC);
}

TEST(label_sets_and_words)
{
	struct store *st = make_store(3);
	const struct query_env env = { .store = st };
	struct label_sets *l = NULL;
	struct selector *sel[2];
	struct label_ask ask = { .to = UINT64_MAX, .sel = sel };
	const char **words;
	uint32_t n;
	char err[256];

	CHECK_EQ(query_label_sets(&env, &ask, NULL, &l), 0);
	CHECK_EQ(l->n, 2);
	CHECK_EQ(label_sets_words(l, "service_name", &words, &n), 0);
	CHECK_EQ(n, 2);
	CHECK_STR(words[0], "db");
	CHECK_STR(words[1], "web");
	free(words);
	CHECK_EQ(label_sets_words(l, "nothing", &words, &n), 0);
	CHECK_EQ(n, 0);
	free(words);
	label_sets_free(l);
	/* a set that both take is one */
	CHECK_EQ(selector_parse(&sel[0], "{service=\"web\"}", err, sizeof(err)), 0);
	CHECK_EQ(selector_parse(&sel[1], "{service=~\"w.b\",version=\"1\"}", err, sizeof(err)), 0);
	ask.n_sel = 2;
	CHECK_EQ(query_label_sets(&env, &ask, NULL, &l), 0);
	CHECK_EQ(l->n, 1);
	label_sets_free(l);
	ask.to = FIX_WALL;
	CHECK_EQ(query_label_sets(&env, &ask, NULL, &l), 0);
	CHECK_EQ(l->n, 0);
	label_sets_free(l);
	selector_free(sel[0]);
	selector_free(sel[1]);
	store_free(st);
}

TEST(misspelt_labels_are_recognized)
{
	struct store *st = make_store(3);
	const struct query_env env = { .store = st };
	char near[64];

	CHECK_EQ(query_label_known(&env, "service_version", NULL, near, sizeof(near)), 1);
	CHECK_EQ(query_label_known(&env, "servce_nme", NULL, near, sizeof(near)), 0);
	CHECK_STR(near, "service_name");
	CHECK_EQ(query_label_known(&env, "uniz", NULL, near, sizeof(near)), 0);
	CHECK_STR(near, "unit");
	CHECK_EQ(query_label_known(&env, "colour_of_the_sky", NULL, near, sizeof(near)), 0);
	CHECK_STR(near, "");
	CHECK(label_is_standard("pod") && !label_is_standard("pods"));
	store_free(st);
}

/* a label that only the begin of a long history has */
TEST(old_labels_are_known_too)
{
	struct store *st = make_store(0);
	const struct query_env env = { .store = st };
	struct model *m = model_new();
	uint32_t app = fix_object(m, FRAME_USER, "/bin/app"), stack = FIX_STACK(m, app, 16);
	uint32_t old = fix_thread(m, fix_series(m, "web", "colour", "red"), 1, "webd");
	uint32_t now = fix_thread(m, fix_series(m, "web", "team", "x"), 2, "webd");
	char near[64];

	for (uint32_t i = 0; i < 400; i++) {
		struct window_entry e = fix_entry(stack, i ? now : old, 1);

		CHECK_EQ(store_add(st, fix_window(m, 1, &e, 0, NULL, i)), 0);
	}
	CHECK_EQ(query_label_known(&env, "team", NULL, near, sizeof(near)), 1);
	CHECK_EQ(query_label_known(&env, "colour", NULL, near, sizeof(near)), 1);
	CHECK_EQ(query_label_known(&env, "color", NULL, near, sizeof(near)), 0);
	CHECK_STR(near, "colour");
	model_unref(m);
	store_free(st);
}

TEST(the_busiest_windows_alone)
{
	struct store *st = make_store(10);
	const struct query_env env = { .store = st };
	const struct {
		double part;
		uint64_t samples;
	} rows[] = { { 0, 950 }, { 1, 950 }, { 0.2, 90 + 80 + 100 }, { 0.01, 140 } };
	struct query_input in = { .from = FIX_WALL, .to = FIX_WALL + 100 * SEC };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tree *t = NULL;

		in.busiest = rows[i].part;
		CHECK_EQ(query_tree(&env, &in, NULL, NULL, &t), 0);
		CHECK_EQ(t->samples, rows[i].samples);
		tree_free(t);
	}
	store_free(st);
}

TEST(a_range_of_the_store)
{
	struct store *st = make_store(40);
	const struct query_env env = { .store = st };
	const struct query_input in = { .from = FIX_WALL, .to = UINT64_MAX };
	struct tree *t = NULL;

	CHECK_EQ(query_tree(&env, &in, NULL, NULL, &t), 0);
	CHECK_EQ(t->used.windows[TIER_MEMORY], 40);
	CHECK_EQ(t->windows, 40);
	CHECK_EQ(t->duration, 400 * SEC);
	/* the range ends far in the future, the history does not: stretches are of what there is */
	CHECK(t->stretches >= 20 && t->stretches <= 32);
	tree_free(t);
	store_free(st);
}

TEST(limits_end_a_time_line)
{
	struct store *st = make_store(10);
	const struct query_env env = { .store = st };
	const struct series_ask ask = { .from = FIX_WALL,
					.to = FIX_WALL + 100 * SEC,
					.max_points = 300,
					.group_by = by_service,
					.n_group_by = 1 };
	struct query_limits lim = { 0 };
	struct series *s = NULL;
	int cancelled = 1, ok = 0;

	for (size_t n = 1; n < 32768; n += 511) {
		int r;

		lim.max_bytes = n;
		r = query_series(&env, &ask, NULL, &lim, &s);
		CHECK(r == -ENOMEM || !r);
		CHECK(!ok || !r);
		if (!r)
			series_free(s);
		ok |= !r;
	}
	CHECK(ok);
	lim = (struct query_limits){ .cancelled = &cancelled };
	CHECK_EQ(query_series(&env, &ask, NULL, &lim, &s), -ECANCELED);
	store_free(st);
}

int main(void)
{
	int r = tap_main();

	strtab_free(fix_texts());
	return r;
}
