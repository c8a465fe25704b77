// SPDX-License-Identifier: GPL-2.0
/* Ranges of other hosts beside one's own: whose numbers are whose. */
#include "query/feed.h"
#include "query/labels.h"
#include "query/series.h"
#include "test_store_pins.h"

#define RANGE (600 * SEC)

static struct world_model here, there;
static struct store *both; /* here: all of RANGE; there: [BASE, BASE + 300 s), imported */

static void begin(void)
{
	char err[256] = "";
	struct store_file *f;
	uint64_t id;
	size_t n;

	world_host = "there";
	world_begin();
	world_model(&there);
	both = world_open(SMALL, 1ULL << 30);
	world_fill(both, &there, BASE, BASE + RANGE);
	CHECK_EQ(store_export(both, BASE, BASE + RANGE / 2, &f, err, sizeof(err)), 0);
	n = read_file(f);
	store_free(both);
	world_end();
	world_host = "here";
	world_begin();
	world_model(&here);
	both = world_open(SMALL, 1ULL << 30);
	world_fill(both, &here, BASE, BASE + RANGE);
	CHECK_EQ(import(both, file, n, &id, err, sizeof(err)), 0);
}

static void end(void)
{
	store_free(both);
	model_unref(here.m);
	model_unref(there.m);
	world_end();
}

static struct selector *parse(const char *text)
{
	struct selector *sel;
	char err[256];

	CHECK_EQ(selector_parse(&sel, text, err, sizeof(err)), 0);
	return sel;
}

/* Sums of all windows that a selector gets, and how many hosts were left out. */
static uint32_t ask(const char *text, struct world_sums *ret)
{
	struct selector *sel = parse(text);
	struct store_ask a = { .from = BASE, .to = BASE + RANGE, .step = 10 * SEC, .sel = sel };
	struct store_used used;

	memset(ret, 0, sizeof(*ret));
	CHECK_EQ(store_feed(both, &a, world_sum, ret, &used), 0);
	selector_free(sel);
	return used.other_hosts;
}

TEST(numbers_are_of_this_host_unless_a_host_is_named)
{
	struct world_sums own, other, got;

	begin();
	world_truth(&here, BASE, BASE + RANGE, &own);
	world_truth(&there, BASE, BASE + RANGE / 2, &other);
	CHECK_EQ(ask("{}", &got), 1);
	world_same(&got, &own);
	CHECK_EQ(ask("{service=~\".*\"}", &got), 1);
	world_same(&got, &own);
	/* by name: that one alone, its losses and its time */
	CHECK_EQ(ask("{host=\"there\"}", &got), 0);
	world_same(&got, &other);
	CHECK_EQ(ask("{host=\"here\"}", &got), 0);
	world_same(&got, &own);
	CHECK_EQ(ask("{host!=\"there\"}", &got), 0);
	world_same(&got, &own);
	ask("{host=\"nowhere\"}", &got);
	CHECK_EQ(got.windows, 0);
	ask("{host=~\".+\"}", &got);
	CHECK_EQ(got.samples, own.samples + other.samples);
	CHECK_EQ(got.lost, own.lost + other.lost);
	end();
}

/* Labels have rules: what the windows say is what counts. */
TEST(a_host_may_have_another_name_in_its_labels)
{
	struct world_sums own, got;

	world_host = "renamed";
	world_begin();
	world_model(&here);
	world_host = "here";
	both = world_open(SMALL, 1ULL << 30);
	world_fill(both, &here, BASE, BASE + RANGE);
	world_truth(&here, BASE, BASE + RANGE, &own);
	ask("{host=\"renamed\"}", &got);
	world_same(&got, &own);
	store_free(both);
	model_unref(here.m);
	world_end();
}

static struct tree *tree_of(const char *text)
{
	struct selector *sel = parse(text);
	const struct query_env env = {
		.store = both, .symbols = symbols_new(&(struct symbols_config){ 0 }, NULL)
	};
	const struct query_input in = { .from = BASE, .to = BASE + RANGE };
	struct tree *t = NULL;

	CHECK_EQ(query_tree(&env, &in, sel, &(struct query_limits){ 0 }, &t), 0);
	symbols_free(env.symbols);
	selector_free(sel);
	return t;
}

/* CPUs in use are CPU time over time: that of two hosts passes once. */
TEST(time_of_hosts_side_by_side_passes_once)
{
	static const struct {
		const char *sel;
		uint64_t duration;
	} is[] = { { "{}", RANGE },
		   { "{host=\"there\"}", RANGE / 2 },
		   { "{host=~\".+\"}", RANGE } };

	begin();
	for (size_t i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
		struct tree *t = tree_of(is[i].sel);

		CHECK_EQ(t->duration, is[i].duration);
		CHECK_EQ(t->used.other_hosts, i ? 0 : 1);
		CHECK(t->errors && t->stretches > 8);
		tree_free(t);
	}
	end();
}

static uint64_t covered(const char *text, uint64_t point, uint64_t *weight)
{
	struct selector *sel = parse(text);
	const struct query_env env = { .store = both };
	const struct series_ask a = { .from = BASE, .to = BASE + RANGE, .step = 60 * SEC };
	struct series *s = NULL;
	uint64_t r;

	CHECK_EQ(query_series(&env, &a, sel, &(struct query_limits){ 0 }, &s), 0);
	r = s->covered[point];
	*weight = s->total;
	series_free(s);
	selector_free(sel);
	return r;
}

TEST(time_lines_too)
{
	struct world_sums own, other;
	uint64_t weight;

	begin();
	world_truth(&here, BASE, BASE + RANGE, &own);
	world_truth(&there, BASE, BASE + RANGE / 2, &other);
	CHECK_EQ(covered("{}", 0, &weight), 60 * SEC);
	CHECK_EQ(weight, own.weight);
	CHECK_EQ(covered("{host=~\".+\"}", 0, &weight), 60 * SEC);
	CHECK_EQ(weight, own.weight + other.weight);
	CHECK_EQ(covered("{host=\"there\"}", 0, &weight), 60 * SEC);
	CHECK_EQ(covered("{host=\"there\"}", 9, &weight), 0);
	end();
}

static uint32_t hosts(bool all, const char ***words)
{
	const struct query_env env = { .store = both };
	const struct label_ask a = { .from = BASE, .to = BASE + RANGE, .all_hosts = all };
	struct label_sets *l = NULL;
	uint32_t n;

	CHECK_EQ(query_label_sets(&env, &a, NULL, &l), 0);
	CHECK_EQ(label_sets_words(l, "host", words, &n), 0);
	CHECK_STR((*words)[0], "here");
	CHECK(n < 2 || !strcmp((*words)[1], "there"));
	free(*words);
	label_sets_free(l);
	return n;
}

/* How a person gets to know that there are others. */
TEST(the_hosts_can_be_listed)
{
	const char **words;

	begin();
	CHECK_EQ(hosts(false, &words), 1);
	CHECK_EQ(hosts(true, &words), 2);
	CHECK(label_is_host("host") && !label_is_host("hosts") && !label_is_host(NULL));
	end();
}

/* Nothing of another host goes into a pin made here. */
TEST(a_pin_made_here_has_no_windows_of_elsewhere)
{
	char err[256] = "";
	uint64_t id;

	begin();
	CHECK_EQ(store_unpin(both, 1), 0);
	CHECK_EQ(store_pin(both, BASE, BASE + RANGE, "own", &id, err, sizeof(err)), 0);
	end();
}

int main(void)
{
	return tap_main();
}
