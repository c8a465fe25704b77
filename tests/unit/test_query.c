// SPDX-License-Identifier: GPL-2.0
/* Selectors and times: what is taken, what is refused and where it says so. */
#include <errno.h>

#include "base/cleanup.h"
#include "query/budget.h"
#include "query/selector.h"
#include "tap.h"
#include "test_query_fixture.h"

#define NOW (1700000000ULL * NSEC_PER_SEC)
#define S   NSEC_PER_SEC

TEST(time_takes)
{
	static const struct {
		const char *text;
		uint64_t want;
	} rows[] = {
		{ "now", NOW },
		{ "now-30s", NOW - 30 * S },
		{ "now-5m", NOW - 300 * S },
		{ "now-1h", NOW - 3600 * S },
		{ "now-2d", NOW - 172800 * S },
		{ "now-1w", NOW - 604800 * S },
		{ "now-1h30m5s", NOW - 5405 * S },
		{ "now-1500ms", NOW - 1500 * NSEC_PER_MSEC },
		{ "0", 0 },
		{ "1700000000", NOW },
		{ "1700000000.5", NOW + S / 2 },
		{ "1700000000.123456789012", NOW + 123456789 },
		{ "1700000000123", NOW + 123 * NSEC_PER_MSEC },
		{ "1700000000123456", NOW + 123456000 },
		{ "1700000000123456789", NOW + 123456789 },
		{ "2023-11-14T22:13:20Z", NOW },
		{ "2023-11-14t22:13:20z", NOW },
		{ "2023-11-14 22:13:20Z", NOW },
		{ "2023-11-14T23:13:20+01:00", NOW },
		{ "2023-11-14T16:43:20-0530", NOW },
		{ "2023-11-14T22:13:20.25Z", NOW + S / 4 },
		{ "2024-02-29T00:00:00Z", 1709164800 * S },
		{ "2016-12-31T23:59:60Z", 1483228800 * S },
		{ "1970-01-01T00:00:00Z", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t got = 1;

		if (query_time_parse(rows[i].text, NOW, &got) || got != rows[i].want)
			TAP_FAIL("%s gives %llu, not %llu", rows[i].text, (unsigned long long)got,
				 (unsigned long long)rows[i].want);
	}
}

TEST(time_refuses)
{
	static const char *const rows[] = {
		"",
		" ",
		"now-",
		"now+1h",
		"now-5",
		"now-5x",
		"now-1h-1h",
		"nowish",
		"now- 5m",
		"-1",
		"12x",
		"17000000001234567890",
		"1700000000123.5",
		"1700000000.",
		"99999999999",
		"now-999999999999w",
		"now-99999999999h",
		"now-60y",
		"now-100000d",
		"2023-11-14",
		"2023-11-14T22:13:20",
		"2023-11-14T22:13Z",
		"2023-13-14T22:13:20Z",
		"2023-02-29T00:00:00Z",
		"2023-00-10T00:00:00Z",
		"2023-11-14T24:00:00Z",
		"2023-11-14T22:13:20.Z",
		"2023-11-14T22:13:20+24:00",
		"2023-11-14T22:13:20ZZ",
		"1969-12-31T23:59:59Z",
		"9999-01-01T00:00:00Z",
		"1970-01-01T00:00:00+00:01",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t got = 42;

		if (query_time_parse(rows[i], NOW, &got) != -EINVAL || got != 42)
			TAP_FAIL("'%s' was taken or touched the result", rows[i]);
	}
}

TEST(selector_takes)
{
	static const struct {
		const char *text;
		uint32_t n;
		bool samples;
	} rows[] = {
		{ "", 0, false },
		{ "  {}  ", 0, false },
		{ QUERY_TYPE_CPU, 0, false },
		{ QUERY_TYPE_SAMPLES "{}", 0, true },
		{ QUERY_TYPE_CPU " { a = \"b\" , c !~ 'd' , } ", 2, false },
		{ "{a=\"b\",c!=\"d\",e=~\"f.*\",g!~`h\\d+`}", 4, false },
		{ "comm=\"x\"", 1, false },
		{ "comm=~'x|y', pid!=\"1\"", 2, false },
		{ "{a=\"{},'`\"}", 1, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct selector *s = NULL;
		char err[256];

		if (selector_parse(&s, rows[i].text, err, sizeof(err)))
			TAP_FAIL("'%s' refused: %s", rows[i].text, err);
		CHECK_EQ(s->n, rows[i].n);
		CHECK_EQ(selector_is_samples(s), rows[i].samples);
		CHECK_EQ(selector_is_all(s), !rows[i].n);
		selector_free(s);
	}
}

TEST(selector_refuses_and_says_where)
{
	static const struct {
		const char *text;
		int pos;
		const char *word;
	} rows[] = {
		{ "heap", 1, "process_cpu:samples" },
		{ "{", 2, "label name" },
		{ "{a}", 3, "= != =~ !~" },
		{ "{a=b}", 4, "quoted" },
		{ "{a=\"b}", 4, "does not end" },
		{ "{a=\"b\"", 7, ", or }" },
		{ "{a=\"b\"c=\"d\"}", 7, ", or }" },
		{ "{,}", 2, "label name" },
		{ "{1a=\"b\"}", 2, "label name" },
		{ "{a=\"b\"} x", 9, "behind" },
		{ "{a=\"\\q\"}", 5, "escape" },
		{ "{a=\"\\x4\"}", 5, "escape" },
		{ "{a=\"\\x00\"}", 5, "escape" },
		{ "{a=\"\\400\"}", 5, "escape" },
		{ "{a=\"\\ud800\"}", 5, "escape" },
		{ "{a=\"\\U00110000\"}", 5, "escape" },
		{ "{a=~\"(\"}", 5, "regular expression" },
		{ "{a=~\"\\xff\"}", 5, "UTF" },
		{ "a=\"b\" c", 7, ", or the end" },
		{ QUERY_TYPE_CPU "x{}", 1, "profile type" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct selector *s = NULL;
		char err[512] = "", want[32];

		snprintf(want, sizeof(want), "position %d: ", rows[i].pos);
		if (selector_parse(&s, rows[i].text, err, sizeof(err)) != -EINVAL || s ||
		    strncmp(err, want, strlen(want)) != 0 || !strstr(err, rows[i].word) ||
		    !strstr(err, "; allowed: "))
			TAP_FAIL("'%s': %s", rows[i].text, err);
	}
}

TEST(selector_has_limits)
{
	char text[20000], err[256];
	struct selector *s;
	size_t n = 1;

	memset(text, ' ', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	CHECK_EQ(selector_parse(&s, text, err, sizeof(err)), -EINVAL);
	CHECK(strstr(err, "too long"));
	text[0] = '{';
	for (int i = 0; i < 33; i++)
		n += (size_t)sprintf(text + n, "a=\"b\",");
	strcpy(text + n, "}");
	CHECK_EQ(selector_parse(&s, text, err, sizeof(err)), -EINVAL);
	CHECK(strstr(err, "too many"));
	n = (size_t)sprintf(text, "{a=~\"");
	memset(text + n, 'x', 4097);
	strcpy(text + n + 4097, "\"}");
	CHECK_EQ(selector_parse(&s, text, err, sizeof(err)), -EINVAL);
	CHECK(strstr(err, "4096"));
}

/* bytes changed at random in good selectors: taken or refused, with a position inside the text */
TEST(selector_survives_noise)
{
	static const char *const seeds[] = {
		QUERY_TYPE_CPU "{a=\"b\\x41\",c!~'(d|e)+[f-z]',pid=`1`}",
		" { a =~ \"\\u00e4{1,3}(?<n>x)\\\\d\" , b != \"\" , } ",
		"comm=~\"(?i)x.*|(?:y{2,5}){3}\"",
	};
	static const char noise[] = "{}\"'`\\=!~,()[]*+?|x0 \xff";
	uint32_t seed = 5, taken = 0, refused = 0;

	for (int i = 0; i < 30000; i++) {
		char text[128], err[256];
		struct selector *s = NULL;
		unsigned int pos = 0;
		size_t n;

		snprintf(text, sizeof(text), "%s", seeds[i % 3]);
		n = strlen(text);
		for (int k = 0; k < 1 + i % 4; k++) {
			seed = seed * 1664525 + 1013904223;
			text[(seed >> 8) % n] = noise[(seed >> 20) % (sizeof(noise) - 1)];
		}
		if (!selector_parse(&s, text, err, sizeof(err))) {
			taken++;
			selector_free(s);
			continue;
		}
		refused++;
		if (sscanf(err, "position %u: ", &pos) != 1 || !pos || pos > n + 1)
			TAP_FAIL("%s: %s", text, err);
	}
	CHECK(taken > 100 && refused > 100);
}

TEST(selector_texts_are_unescaped)
{
	char err[256];
	struct selector *s;

	CHECK_EQ(selector_parse(&s,
				"{service=\"\\\"\\\\\\n\\x41\\102\\u00e4\\U0001F600'\",b=`\\n`}",
				err, sizeof(err)),
		 0);
	CHECK_STR(s->m[0].key, "service_name");
	CHECK_STR(s->m[0].value, "\"\\\nAB\xc3\xa4\xf0\x9f\x98\x80'");
	CHECK_STR(s->m[1].value, "\\n");
	selector_free(s);
	CHECK_EQ(selector_parse(&s, "{version='1',env='e'}", err, sizeof(err)), 0);
	CHECK_STR(s->m[0].key, "service_version");
	CHECK_STR(s->m[1].key, "deployment_environment");
	selector_free(s);
}

static int test_one(const char *selector, const char *text)
{
	char err[256];
	struct selector *s;
	int r;

	if (selector_parse(&s, selector, err, sizeof(err)))
		TAP_FAIL("%s: %s", selector, err);
	r = matcher_test(&s->m[0], text);
	selector_free(s);
	return r;
}

TEST(matchers_are_anchored_and_see_missing_labels_as_empty)
{
	CHECK_EQ(test_one("{a=~\"b\"}", "abc"), 0);
	CHECK_EQ(test_one("{a=~\"a|abc\"}", "abc"), 1);
	CHECK_EQ(test_one("{a=~\"a|b\"}", "ab"), 0);
	CHECK_EQ(test_one("{a=~\".*\"}", "x\ny"), 1);
	CHECK_EQ(test_one("{a=~\"x\"}", "x\n"), 0);
	CHECK_EQ(test_one("{a!~\"b.*\"}", "abc"), 1);
	CHECK_EQ(test_one("{a=~\"\"}", ""), 1);
	CHECK_EQ(test_one("{a!=\"\"}", ""), 0);
	CHECK_EQ(test_one("{a=\"\"}", ""), 1);
	/* not UTF-8: no match, no crash, no error */
	CHECK_EQ(test_one("{a=~\"\\u00e4+\"}", "\xff\xfe"), 0);
	CHECK_EQ(test_one("{a!~\"\\u00e4+\"}", "\xff\xfe"), 1);
}

TEST(matching_takes_bounded_time)
{
	char text[64];
	uint64_t t0 = mono_now();

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CHECK_EQ(test_one("{a=~\"(a+)+[bc]\"}", text), -ELOOP);
	CHECK_EQ(test_one("{a=~\"(a|aa|a*)*[bc]\"}", text), -ELOOP);
	CHECK((mono_now() - t0) / NSEC_PER_MSEC < 2000);
}

struct pick_world {
	struct model *m;
	uint32_t threads[3];
};

static int picked(const struct pick_world *w, const char *selector, uint32_t thread, uint16_t cpu)
{
	struct match_cache c = { .model = w->m };
	struct budget b;
	struct selector *s;
	uint32_t counts[6];
	char err[256];
	int r;

	if (selector_parse(&s, selector, err, sizeof(err)))
		TAP_FAIL("%s: %s", selector, err);
	budget_init(&b, NULL);
	c.sel = s;
	model_counts(w->m, counts);
	r = match_cache_follow(&c, counts, &b);
	if (!r)
		r = match_thread(&c, thread);
	if (r == 1 && match_thread(&c, thread) != 1)
		r = -EDOM; /* remembered wrongly */
	if (r == 1)
		r = match_cpu(s, cpu);
	match_cache_free(&c);
	selector_free(s);
	return r;
}

TEST(labels_and_threads_are_matched)
{
	struct pick_world w = { .m = model_new() };
	uint32_t a = fix_series(w.m, "api", "comm", "by-label");
	uint32_t b = fix_series(w.m, "db", "unit", "db.service");

	w.threads[0] = fix_thread(w.m, a, 100, "api-main");
	w.threads[1] = fix_thread(w.m, b, 200, "postgres");
	w.threads[2] = model_add_thread(w.m, model_thread(w.m, w.threads[1])->proc, 201);
	CHECK_EQ(picked(&w, "{}", w.threads[0], 0), 1);
	CHECK_EQ(picked(&w, "{service=\"api\"}", w.threads[0], 0), 1);
	CHECK_EQ(picked(&w, "{service=\"api\"}", w.threads[1], 0), 0);
	CHECK_EQ(picked(&w, "{service!~\"a.*\"}", w.threads[2], 0), 1);
	CHECK_EQ(picked(&w, "{unit=\"\"}", w.threads[0], 0), 1);
	CHECK_EQ(picked(&w, "{unit=\"\"}", w.threads[1], 0), 0);
	/* a label of the set wins over what the process is called */
	CHECK_EQ(picked(&w, "{comm=\"by-label\"}", w.threads[0], 0), 1);
	CHECK_EQ(picked(&w, "{comm=\"api-main\"}", w.threads[0], 0), 0);
	CHECK_EQ(picked(&w, "{comm=\"postgres\"}", w.threads[1], 0), 1);
	CHECK_EQ(picked(&w, "{exe=~\"/usr/.*\"}", w.threads[1], 0), 1);
	CHECK_EQ(picked(&w, "{pid=\"200\"}", w.threads[2], 0), 1);
	CHECK_EQ(picked(&w, "{pid=\"200\"}", w.threads[0], 0), 0);
	CHECK_EQ(picked(&w, "{tid=\"201\"}", w.threads[2], 0), 1);
	CHECK_EQ(picked(&w, "{tid=\"201\"}", w.threads[1], 0), 0);
	CHECK_EQ(picked(&w, "{cpu=~\"[01]\"}", w.threads[1], 1), 1);
	CHECK_EQ(picked(&w, "{cpu=~\"[01]\"}", w.threads[1], 11), 0);
	CHECK_EQ(picked(&w, "{cpu=\"3\",pid=\"200\",service=\"db\"}", w.threads[1], 3), 1);
	CHECK_EQ(picked(&w, "{cpu=\"3\",pid=\"100\",service=\"db\"}", w.threads[1], 3), 0);
	CHECK_EQ(picked(&w, "{}", 99, 0), -EBADMSG);
	CHECK_EQ(picked(&w, "{a=\"\"}", 99, 0), -EBADMSG);
	model_unref(w.m);
}

TEST(texts_are_made_safe)
{
	struct strtab *t = strtab_new();
	struct budget b;
	uint32_t id, again;
	char *big = malloc(1 << 20);

	budget_init(&b, NULL);
	CHECK_EQ(budget_text(&b, t, "plain \xc3\xa4", &id), 0);
	CHECK_STR(strtab_get(t, id), "plain \xc3\xa4");
	CHECK_EQ(budget_text(&b, t, "a\x1b[2J\n\x7f\xff\xc2\x9b!", &id), 0);
	CHECK_STR(strtab_get(t, id), "a\xef\xbf\xbd["
				     "2J\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd!");
	CHECK_EQ(budget_text(&b, t, "a\x1b[2J\n\x7f\xff\xc2\x9b!", &again), 0);
	CHECK_EQ(id, again);
	CHECK_EQ(budget_text(&b, t, NULL, &id), 0);
	CHECK_EQ(id, 0);
	memset(big, 'x', 1 << 20);
	big[(1 << 20) - 1] = '\0';
	big[QUERY_TEXT_MAX - 1] = '\xc3'; /* a character across the limit */
	big[QUERY_TEXT_MAX] = '\xa4';
	CHECK_EQ(budget_text(&b, t, big, &id), 0);
	CHECK_EQ(strlen(strtab_get(t, id)), QUERY_TEXT_MAX - 1);
	free(big);
	strtab_free(t);
}

/* wherever in a text it stands, and whatever is beside it */
TEST(each_byte_is_seen)
{
	static const char whole[] = "a text of 23 bytes here";
	struct strtab *t = strtab_new();
	struct budget b;
	uint32_t id;

	budget_init(&b, NULL);
	for (int byte = 1; byte < 256; byte++) {
		bool good = byte >= 0x20 && byte < 0x7f;

		for (size_t at = 0; at < sizeof(whole) - 1; at++) {
			char text[sizeof(whole)], want[sizeof(whole) + 2];

			memcpy(text, whole, sizeof(text));
			text[at] = (char)byte;
			snprintf(want, sizeof(want), "%.*s%s%s", (int)at, whole,
				 good ? (char[]){ (char)byte, 0 } : "\xef\xbf\xbd", whole + at + 1);
			CHECK_EQ(budget_text(&b, t, text, &id), 0);
			CHECK_STR(strtab_get(t, id), want);
		}
	}
	strtab_free(t);
}

int main(void)
{
	int r = tap_main();

	strtab_free(fix_texts());
	return r;
}
