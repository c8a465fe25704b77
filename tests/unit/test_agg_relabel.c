// SPDX-License-Identifier: GPL-2.0
/*
 * Relabel rules: each action with Prometheus' meaning, what is refused and how
 * it is said, expressions that would run for ever, and dropped processes.
 */
#include <errno.h>
#include <time.h>

#include "agg/relabel.h"
#include "tap.h"
#include "test_agg_fakes.h"

#define LINES(...)               \
	(const char *const[][3]) \
	{                        \
		__VA_ARGS__,     \
		{                \
			NULL     \
		}                \
	}

static struct relabel *rules(const char *const (*line)[3])
{
	struct relabel *r = relabel_new();
	char err[512] = "";

	for (; (*line)[0]; line++)
		if (relabel_set(r, (*line)[0], (*line)[1], (*line)[2], "f:1", err, sizeof(err)))
			printf("# %s\n", err);
	if (relabel_check(r, err, sizeof(err)))
		printf("# %s\n", err);
	CHECK_STR(err, "");
	return r;
}

static const struct model_series before = {
	.n = 4,
	.labels = { { "comm", "Worker-7" },
		    { "namespace", "shop" },
		    { "pod", "web-5f7-x2" },
		    { "service_name", "web" } },
};

/* "key=value ..." after the rules, "dropped" if so. */
static const char *after(const char *const (*line)[3])
{
	static char out[8192];
	struct relabel *r = rules(line);
	struct model_series s = before;
	uint64_t full = 0;

	out[0] = '\0';
	if (!relabel_apply(r, &s, &full))
		strcpy(out, "dropped");
	else
		for (uint32_t i = 0; i < s.n; i++)
			snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s%s=%s",
				 i ? " " : "", s.labels[i].key, s.labels[i].value);
	CHECK_EQ(full, 0);
	relabel_unref(r);
	return out;
}

#define SET "comm=Worker-7 namespace=shop pod=web-5f7-x2 service_name=web"

TEST(replace)
{
	CHECK_STR(after(LINES({ "a", "target_label", "zone" }, { "a", "replacement", "eu" })),
		  SET " zone=eu");
	CHECK_STR(after(LINES({ "a", "source_labels", "pod" }, { "a", "target_label", "app" },
			      { "a", "regex", "(.*)-[0-9a-f]+-.*" })),
		  "app=web " SET);
	CHECK_STR(after(LINES({ "a", "source_labels", "namespace, comm" },
			      { "a", "separator", "/" }, { "a", "target_label", "service_name" })),
		  "comm=Worker-7 namespace=shop pod=web-5f7-x2 service_name=shop/Worker-7");
	CHECK_STR(after(LINES({ "a", "source_labels", "namespace,pod" },
			      { "a", "regex", "(?<ns>[^;]*);(.*)" }, { "a", "target_label", "x" },
			      { "a", "replacement", "$2.${ns}.$$1.$9.$" })),
		  SET " x=web-5f7-x2.shop.$1..$");
	/* anchored at both ends: no match, no change */
	CHECK_STR(after(LINES({ "a", "source_labels", "pod" }, { "a", "regex", "web" },
			      { "a", "target_label", "x" }, { "a", "replacement", "y" })),
		  SET);
	/* an empty value takes the label away */
	CHECK_STR(after(LINES({ "a", "target_label", "pod" }, { "a", "replacement", "" })),
		  "comm=Worker-7 namespace=shop service_name=web");
	/* a target that becomes no name is none */
	CHECK_STR(after(LINES({ "a", "source_labels", "pod" }, { "a", "target_label", "$1" })),
		  SET);
	CHECK_STR(after(LINES({ "a", "source_labels", "namespace" },
			      { "a", "target_label", "in_$1" })),
		  "comm=Worker-7 in_shop=shop namespace=shop pod=web-5f7-x2 service_name=web");
}

TEST(keep_and_drop)
{
	CHECK_STR(after(LINES({ "a", "action", "keep" }, { "a", "source_labels", "namespace" },
			      { "a", "regex", "shop|data" })),
		  SET);
	CHECK_STR(after(LINES({ "a", "action", "keep" }, { "a", "source_labels", "namespace" },
			      { "a", "regex", "sho" })),
		  "dropped");
	CHECK_STR(after(LINES({ "a", "action", "drop" }, { "a", "source_labels", "namespace" },
			      { "a", "regex", "shop" })),
		  "dropped");
	CHECK_STR(after(LINES({ "a", "action", "drop" }, { "a", "source_labels", "nothing" },
			      { "a", "regex", ".+" })),
		  SET);
}

TEST(names_and_cases)
{
	CHECK_STR(after(LINES({ "a", "action", "labeldrop" }, { "a", "regex", "p.*|comm" })),
		  "namespace=shop service_name=web");
	CHECK_STR(after(LINES({ "a", "action", "labelkeep" }, { "a", "regex", "p.*|comm" })),
		  "comm=Worker-7 pod=web-5f7-x2");
	CHECK_STR(after(LINES({ "a", "action", "labelmap" }, { "a", "regex", "(pod|comm)" },
			      { "a", "replacement", "k8s_$1" })),
		  "comm=Worker-7 k8s_comm=Worker-7 k8s_pod=web-5f7-x2 namespace=shop "
		  "pod=web-5f7-x2 service_name=web");
	CHECK_STR(after(LINES({ "a", "action", "lowercase" }, { "a", "source_labels", "comm" },
			      { "a", "target_label", "comm" })),
		  "comm=worker-7 namespace=shop pod=web-5f7-x2 service_name=web");
	CHECK_STR(after(LINES({ "a", "action", "uppercase" }, { "a", "source_labels", "comm" },
			      { "a", "target_label", "up" })),
		  SET " up=WORKER-7");
}

TEST(rules_run_in_the_order_of_their_names)
{
	CHECK_STR(after(LINES({ "z", "target_label", "x" }, { "a", "target_label", "y" },
			      { "a", "source_labels", "x" }, { "z", "replacement", "1" })),
		  SET " x=1 y=1");
	/* a key given again replaces what it said */
	CHECK_STR(after(LINES({ "z", "target_label", "x" }, { "z", "replacement", "1" },
			      { "z", "replacement", "2" })),
		  SET " x=2");
}

static const char *refused(const char *key, const char *value)
{
	static char err[512];
	struct relabel *r = relabel_new();

	err[0] = '\0';
	CHECK_EQ(relabel_set(r, "r", key, value, "f:3", err, sizeof(err)), -EINVAL);
	relabel_unref(r);
	return err;
}

static const char *not_whole(const char *const (*line)[3])
{
	static char err[512];
	struct relabel *r = relabel_new();

	for (; (*line)[0]; line++)
		CHECK_EQ(relabel_set(r, (*line)[0], (*line)[1], (*line)[2], "f:3", err,
				     sizeof(err)),
			 0);
	err[0] = '\0';
	CHECK_EQ(relabel_check(r, err, sizeof(err)), -EINVAL);
	relabel_unref(r);
	return err;
}

TEST(what_is_wrong_is_said_with_what_is_allowed)
{
	char *large = calloc(1, RELABEL_MAX_PATTERN + 2);

	memset(large, 'a', RELABEL_MAX_PATTERN + 1);
	CHECK(strstr(refused("action", "delete"), "allowed: replace, keep, drop"));
	CHECK(strstr(refused("regex", "a(b"), "its byte 4"));
	CHECK(strstr(refused("regex", large), "longer than 4096"));
	CHECK(strstr(refused("source_labels", "a,b-c"), "no list of labels"));
	CHECK(strstr(refused("source_labels", "a b"), "no list of labels"));
	CHECK(strstr(refused("modulus", "1"), "allowed: source_labels, separator"));
	CHECK_STR(not_whole(LINES({ "r", "regex", "x" })), "f:3: [relabel r]: action replace needs "
							   "target_label, a label name");
	CHECK(strstr(not_whole(LINES({ "r", "target_label", "1x" })), "a label name"));
	CHECK(strstr(not_whole(LINES({ "r", "action", "keep" })), "needs source_labels"));
	CHECK(strstr(not_whole(LINES({ "r", "action", "labeldrop" })), "needs regex"));
	CHECK(strstr(not_whole(LINES({ "r", "action", "lowercase" }, { "r", "target_label", "a" })),
		     "needs source_labels"));
	free(large);
}

static double milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

TEST(an_expression_that_would_not_end_gives_up_and_drops_nothing)
{
	static char text[3000];
	struct relabel *r =
		rules(LINES({ "a", "action", "drop" }, { "a", "source_labels", "comm" },
			    { "a", "regex", "(a|aa)+[bc]" }, { "b", "action", "keep" },
			    { "b", "source_labels", "comm" }, { "b", "regex", "(a|aa)+[bc]" },
			    { "c", "action", "labelkeep" }, { "c", "regex", "(.*)*" }));
	struct model_series s = { .n = 1, .labels = { { "comm", text } } };
	uint64_t full = 0;
	double t;

	memset(text, 'a', sizeof(text) - 1);
	t = milliseconds();
	CHECK(relabel_apply(r, &s, &full));
	t = milliseconds() - t;
	printf("# %.1f ms for three of them\n", t);
	CHECK(t < 2000);
	CHECK(relabel_failures(r) >= 2);
	CHECK_EQ(s.n, 1);
	relabel_unref(r);
}

TEST(texts_have_a_limit)
{
	struct relabel *r = rules(LINES({ "a", "source_labels", "x" }, { "a", "target_label", "x" },
					{ "a", "replacement", "$1$1$1$1" }));
	static char text[RELABEL_MAX_VALUE + 1];
	struct model_series s = { .n = 1, .labels = { { "x", text } } };
	uint64_t full = 0;

	strcpy(text, "0123456789");
	for (int i = 0; i < 10; i++) {
		CHECK(relabel_apply(r, &s, &full));
		CHECK(strlen(s.labels[0].value) <= RELABEL_MAX_VALUE);
		memmove(text, s.labels[0].value, strlen(s.labels[0].value) + 1);
		s.labels[0].value = text;
	}
	/* 10, 40, 160, 640, 2560, and no further */
	CHECK_EQ(strlen(text), 2560);
	CHECK_EQ(relabel_failures(r), 6);
	relabel_unref(r);
}

TEST(labels_that_find_no_room_are_counted)
{
	struct relabel *r =
		rules(LINES({ "a", "target_label", "zz" }, { "a", "replacement", "1" }));
	static char keys[MODEL_MAX_LABELS][8];
	struct model_series s = { .n = 0 };
	uint64_t full = 0;

	for (unsigned int i = 0; i < MODEL_MAX_LABELS; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%02u", i % 100);
		CHECK(series_put(&s, keys[i], "v", false));
	}
	CHECK(relabel_apply(r, &s, &full));
	CHECK_EQ(full, 1);
	CHECK_EQ(s.n, MODEL_MAX_LABELS);
	relabel_unref(r);
}

/* ---- in the aggregator ---- */

static void one_sample(struct world *w, int pid)
{
	struct event ev = { .type = EV_SAMPLE, .time = 1000000000, .pid = pid, .tid = pid };

	ev.sample.leaf = 0x400300;
	ev.sample.weight = 10;
	agg_event(w->a, &ev);
}

TEST(dropped_processes_are_counted_and_others_renamed)
{
	struct agg_config cfg = { .host = "h1" };
	struct agg_service rows[8];
	struct agg_counters c;
	struct world w;
	size_t n;

	cfg.relabel = rules(
		LINES({ "a", "action", "drop" }, { "a", "source_labels", "service_name" },
		      { "a", "regex", "mail" }, { "b", "source_labels", "service_name,__cgroup__" },
		      { "b", "target_label", "service_name" }, { "b", "replacement", "x-$1" },
		      { "c", "target_label", "__hidden" }, { "c", "replacement", "1" }));
	world_make(&w, &cfg);
	for (int pid = 0; pid < 4; pid++)
		one_sample(&w, pid);
	agg_counters(w.a, &c);
	CHECK_EQ(c.samples, 3);
	CHECK_EQ(c.relabel_dropped, 1);
	CHECK_EQ(c.relabel_dropped_weight, 10);
	n = agg_services(w.a, rows, 8);
	for (size_t i = 0; i < n; i++)
		CHECK(!rows[i].samples || !strncmp(rows[i].service_name, "x-", 2));
	CHECK_EQ(model_series(w.a->model, 0)->n, 5); /* comm exe host service_name user */
	CHECK_STR(series_get(model_series(w.a->model, 0), "service_name"), "x-web;/");
	relabel_unref(cfg.relabel);
	world_free(&w);
}

/* The label sets of the samples of the newest window. */
static const char *newest_label(struct world *w, const char *key)
{
	const struct model_series *s = model_series(w->a->model, 0);
	const char *v = series_get(s, key);

	return v ? v : "";
}

TEST(labels_change_from_the_next_window_on)
{
	static const char *const old[][2] = { { "team", "blue" } };
	static const char *const fresh[][2] = { { "team", "red" } };
	struct agg_config cfg = { .host = "h1", .external = old, .n_external = 1 };
	struct world w;

	world_make(&w, &cfg);
	one_sample(&w, 1);
	CHECK_STR(newest_label(&w, "team"), "blue");
	cfg.external = fresh;
	cfg.relabel = rules(LINES({ "a", "target_label", "zone" }, { "a", "replacement", "x" }));
	CHECK_EQ(agg_set_labels(w.a, &cfg), 0);
	CHECK_EQ(agg_set_labels(w.a, &cfg), 0); /* the last word counts */
	relabel_unref(cfg.relabel);
	one_sample(&w, 1);
	CHECK_STR(newest_label(&w, "team"), "blue");
	CHECK_STR(newest_label(&w, "zone"), "");
	agg_flush(w.a, 2000000000);
	one_sample(&w, 1);
	CHECK_STR(newest_label(&w, "team"), "red");
	CHECK_STR(newest_label(&w, "zone"), "x");
	CHECK_STR(newest_label(&w, "host"), "h1");
	world_free(&w);
}

int main(void)
{
	return tap_main();
}
