// SPDX-License-Identifier: GPL-2.0
/* The paths that ask the history: time lines, services, labels, events, shapes, bad questions. */
#include <jansson.h>

#include "test_http_world.h"

#define CHECK_ASK(method, path, headers, want)                                          \
	do {                                                                            \
		ask_with(&w, method, path, headers, &a);                                \
		if (a.status != (want))                                                 \
			TAP_FAIL("%s %s: %d, not %d: %s", method, path, a.status, want, \
				 a.body ? a.body : "");                                 \
	} while (0)

static struct world w;
static struct answer_got a;

/* GET, as JSON; the answer must be one. */
static json_t *get(const char *path)
{
	json_t *o;

	CHECK_ASK("GET", path, AUTH, 200);
	CHECK(has(&a, "Content-Type: application/json"));
	o = json_loadb(a.body, a.body_len, 0, NULL);
	if (!o)
		TAP_FAIL("%s: no JSON: %.200s", path, a.body);
	heard(&a);
	return o;
}

static bool array_has(const json_t *array, const char *text)
{
	const json_t *v;
	size_t i;

	json_array_foreach(array, i, v) if (json_is_string(v) &&
					    !strcmp(json_string_value(v), text)) return true;
	return false;
}

TEST(some_history)
{
	world_make(&w);
	nap_ms(1200);
	CHECK_ASK("GET", "/api/v1/profile", AUTH, 200); /* closes the open window */
	heard(&a);
}

/* The world has one CPU that is never idle: half of it is web's, half db's. */
TEST(a_time_line_adds_up)
{
	json_t *o = get("/api/v1/profile?format=series&group_by=service_name&from=now-1m&step=1s");
	json_t *groups = json_object_get(o, "groups"), *g, *v;
	json_t *total = json_object_get(o, "total");
	size_t n = json_array_size(total), recorded = 0, i, k;
	long long samples = 0, sum = 0;

	CHECK_EQ(json_integer_value(json_object_get(o, "step_ms")), 1000);
	CHECK_STR(json_string_value(json_object_get(o, "unit")), "cores");
	CHECK_EQ(json_array_size(groups), 2);
	json_array_foreach(groups, i, g)
	{
		CHECK_EQ(json_array_size(json_object_get(g, "values")), n);
		json_array_foreach(json_object_get(g, "samples"), k, v)
			samples += json_integer_value(v);
		sum += json_integer_value(json_object_get(g, "total"));
	}
	CHECK(samples >= 1000);
	CHECK_EQ(sum, samples * 1000000); /* each stands for 1 ms */
	json_array_foreach(total, i, v)
	{
		if (json_is_null(v))
			continue;
		recorded++;
		CHECK(json_number_value(v) > 0.9 && json_number_value(v) < 1.1);
	}
	CHECK(recorded >= 1 && recorded < n); /* a minute ago there was nothing */
	CHECK(json_is_null(json_array_get(total, 0)));
	json_decref(o);
}

TEST(time_lines_in_samples_and_in_one_group)
{
	json_t *o = get("/api/v1/profile?format=series&from=now-10s&step=1s&"
			"query=process_cpu:samples:count:cpu:nanoseconds%7Bservice_name=%22web%22%"
			"7D");
	json_t *groups = json_object_get(o, "groups"), *v;
	json_int_t most = 0;
	double rate = 0;
	size_t i;

	CHECK_STR(json_string_value(json_object_get(o, "unit")), "samples_per_second");
	CHECK_EQ(json_array_size(groups), 1);
	/* at its ends a line may have a few milliseconds of a step, which say little */
	json_array_foreach(json_object_get(json_array_get(groups, 0), "samples"), i, v)
	{
		if (json_integer_value(v) <= most)
			continue;
		most = json_integer_value(v);
		rate = json_number_value(json_array_get(json_object_get(o, "total"), i));
	}
	CHECK(rate > 450 && rate < 550);
	json_decref(o);
	o = get("/api/v1/profile?format=series&group_by=service_name,pid&max_groups=1");
	groups = json_object_get(o, "groups");
	CHECK_EQ(json_array_size(groups), 2);
	CHECK(json_is_true(json_object_get(json_array_get(groups, 1), "other")));
	json_decref(o);
}

TEST(services_have_their_share)
{
	json_t *o = get("/api/v1/services?from=now-1m"), *s, *v;
	double cores = 0, share = 0;
	size_t i, k;

	CHECK_EQ(json_array_size(o), 2);
	json_array_foreach(o, i, s)
	{
		double sum = 0;

		cores += json_number_value(json_object_get(s, "cores"));
		share += json_number_value(json_object_get(s, "share"));
		json_array_foreach(json_object_get(s, "trend"), k, v) sum += json_number_value(v);
		CHECK(sum > 0);
		CHECK(json_is_array(json_object_get(s, "versions")));
	}
	CHECK(cores > 0.95 && cores < 1.05);
	CHECK(share > 0.999 && share < 1.001);
	json_decref(o);
	o = get("/api/v1/services?query=%7Bservice=%22web%22%7D");
	CHECK_EQ(json_array_size(o), 1);
	CHECK_STR(json_string_value(json_object_get(json_array_get(o, 0), "service_name")), "web");
	json_decref(o);
}

TEST(labels_in_prometheus_envelope)
{
	json_t *o = get("/api/v1/labels"), *d = json_object_get(o, "data");

	CHECK_STR(json_string_value(json_object_get(o, "status")), "success");
	CHECK(array_has(d, "service_name") && array_has(d, "host"));
	json_decref(o);
	o = get("/api/v1/label/service_name/values?start=0&end=now");
	d = json_object_get(o, "data");
	CHECK(json_array_size(d) == 2 && array_has(d, "web") && array_has(d, "db \"2\""));
	json_decref(o);
	o = get("/api/v1/label/service/values?match[]=%7Bservice_name=~%22w.*%22%7D");
	d = json_object_get(o, "data");
	CHECK(json_array_size(d) == 1 && array_has(d, "web"));
	json_decref(o);
	o = get("/api/v1/"
		"series?match[]=%7Bservice=%22web%22%7D&match%5B%5D=%7Bservice=~%22db.*%22%7D");
	CHECK_EQ(json_array_size(json_object_get(o, "data")), 2);
	json_decref(o);
	o = get("/api/v1/series?match[]=%7Bservice=%22nobody%22%7D");
	CHECK_EQ(json_array_size(json_object_get(o, "data")), 0);
	json_decref(o);
	CHECK_ASK("GET", "/api/v1/label/servce_name/values", AUTH, 400);
	CHECK(strstr(a.body, "no label 'servce_name' in the history; did you mean "
			     "'service_name'?"));
	heard(&a);
	CHECK_ASK("GET", "/api/v1/label//values", AUTH, 404);
	heard(&a);
	CHECK_ASK("GET", "/api/v1/label/x", AUTH, 404);
	heard(&a);
}

TEST(tiers_begin_with_memory)
{
	json_t *o = get("/api/v1/tiers"), *t = json_object_get(o, "tiers");
	json_t *m = json_array_get(t, 0);

	CHECK_STR(json_string_value(json_object_get(m, "name")), "memory");
	CHECK(json_integer_value(json_object_get(m, "windows")) >= 1);
	CHECK(json_integer_value(json_object_get(m, "to_ms")) >
	      json_integer_value(json_object_get(m, "from_ms")));
	json_decref(o);
}

static void post(const char *path, const char *type, const char *body, int want)
{
	char headers[256];
	int fd = dial(&w);

	snprintf(headers, sizeof(headers), AUTH "Content-Type: %s\r\n", type);
	put_request(fd, "POST", path, headers, body, strlen(body));
	hear(fd, &a);
	if (a.status != want)
		TAP_FAIL("POST %s %s: %d, not %d: %s", path, body, a.status, want, a.body);
}

#define FORM "application/x-www-form-urlencoded"
#define JSON "application/json"

TEST(events_are_recorded_and_read_as_annotations)
{
	json_t *o, *e;

	post("/api/v1/events", JSON,
	     "{\"service\":\"web\",\"version\":\"1.2\",\"git_ref\":\"abc\",\"text\":\"a "
	     "\\\"b\\\"\"}",
	     200);
	CHECK(strstr(a.body, "{\"id\":"));
	heard(&a);
	post("/api/v1/events", FORM, "kind=note&text=lunch&time=now-10s&until=now", 200);
	heard(&a);
	o = get("/api/v1/events?from=now-1m");
	CHECK_EQ(json_array_size(o), 2);
	e = json_array_get(o, 0);
	CHECK_STR(json_string_value(json_object_get(e, "kind")), "note");
	CHECK(json_integer_value(json_object_get(e, "timeEnd")) -
		      json_integer_value(json_object_get(e, "time")) ==
	      10000);
	e = json_array_get(o, 1);
	CHECK_STR(json_string_value(json_object_get(e, "title")), "web 1.2");
	CHECK_STR(json_string_value(json_object_get(e, "text")), "a \"b\"");
	CHECK(array_has(json_object_get(e, "tags"), "deploy"));
	json_decref(o);
	o = get("/api/v1/profile?format=series&from=now-1m");
	CHECK_EQ(json_array_size(json_object_get(o, "events")), 2);
	json_decref(o);
}

TEST(bad_events_are_refused)
{
	static const struct {
		const char *type, *body, *says;
	} rows[] = {
		{ JSON, "{", "the body is no JSON object" },
		{ JSON, "[]", "no JSON object" },
		{ JSON, "", "no JSON object" },
		{ JSON, "{\"servce\":\"x\"}", "servce: unknown member; allowed: kind, service" },
		{ JSON, "{\"service\":1}", "service: is no text" },
		{ JSON, "{\"version\":\"1\"}", "service: is missing" },
		{ JSON, "{\"service\":\"x\",\"kind\":\"party\"}",
		  "kind: 'party'; allowed: deploy" },
		{ JSON, "{\"service\":\"x\",\"time\":\"soon\"}", "time: 'soon' is not a time" },
		{ JSON, "{\"service\":\"x\",\"time\":20000,\"until\":10000}", "until: is before" },
		{ FORM, "service=a&service=b", "service: given more than once" },
		{ FORM, "x=1", "x: unknown parameter" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		post("/api/v1/events", rows[i].type, rows[i].body, 400);
		if (!strstr(a.body, rows[i].says))
			TAP_FAIL("%s: %s", rows[i].body, a.body);
		heard(&a);
	}
}

TEST(pins_without_a_disk)
{
	json_t *o = get("/api/v1/pins");

	CHECK_EQ(json_array_size(json_object_get(o, "pins")), 0);
	json_decref(o);
	post("/api/v1/pins", FORM, "name=x&from=now-1m&until=now", 409);
	CHECK(strstr(a.body, "conflict"));
	heard(&a);
	post("/api/v1/pins", FORM, "from=now-1m", 400);
	CHECK(strstr(a.body, "name: is missing"));
	heard(&a);
	CHECK_ASK("DELETE", "/api/v1/pins?id=7", AUTH, 404);
	heard(&a);
	CHECK_ASK("DELETE", "/api/v1/pins", AUTH, 400);
	heard(&a);
}

/* What a body of that size, which is yet to come, is told. */
static void announce(const char *path, const char *credential, const char *size, int want)
{
	char headers[256];

	snprintf(headers, sizeof(headers), "%sContent-Length: %s\r\n", credential, size);
	CHECK_ASK("POST", path, headers, want);
	heard(&a);
}

/* Bodies of any size are let in where files are taken, and nowhere else. */
TEST(files_without_a_disk)
{
	post("/api/v1/import", "", "no file", 409);
	CHECK(strstr(a.body, "no history on disk"));
	heard(&a);
	announce("/api/v1/import", AUTH, "3000000", 409);
	announce("/api/v1/import", "", "3000000", 401);
	announce("/api/v1/events", AUTH, "3000000", 413);
	CHECK_ASK("GET", "/api/v1/export?id=1", AUTH, 409);
	heard(&a);
	CHECK_ASK("GET", "/api/v1/export", AUTH, 400);
	CHECK(strstr(a.body, "id, from: allowed"));
	heard(&a);
	CHECK_ASK("GET", "/api/v1/export?id=1&from=now-1m", AUTH, 400);
	heard(&a);
	CHECK_ASK("GET", "/api/v1/import", AUTH, 405);
	heard(&a);
}

/* total of the answer to a question */
static long long total_of(const char *path)
{
	json_t *o = get(path);
	long long n = json_integer_value(json_object_get(o, "total"));

	json_decref(o);
	return n;
}

TEST(shapes)
{
	static const char *const formats[] = { "flamegraph", "top", "speedscope" };
	char path[256];
	json_t *o;

	o = get("/api/v1/profile?group_by=service_name,comm&merge=binary&invert=1");
	CHECK(array_has(json_object_get(o, "strings"), "service_name=web"));
	CHECK(array_has(json_object_get(o, "strings"), "comm=db \"2\""));
	CHECK(json_integer_value(json_object_get(json_object_get(o, "tiers"), "memory")) >= 1);
	CHECK(json_is_array(json_object_get(json_object_get(o, "nodes"), "error_ppm")));
	json_decref(o);
	o = get("/api/v1/profile?merge=category");
	CHECK(array_has(json_object_get(o, "strings"), "kernel"));
	json_decref(o);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		snprintf(path, sizeof(path),
			 "/api/v1/profile?format=%s&focus=.&ignore=^$&hide=nothing&busiest=50%%25",
			 formats[i]);
		json_decref(get(path));
	}
	CHECK(total_of("/api/v1/profile?focus=.") > 1000000000);
	CHECK_EQ(total_of("/api/v1/profile?focus=no_such_function"), 0);
	CHECK_EQ(total_of("/api/v1/profile?ignore=."), 0);
}

TEST(perf_script)
{
	const char *line;
	unsigned int n = 0;

	CHECK_ASK("GET",
		  "/api/v1/profile?format=perf-script&query=%7Bcomm=%22web%22%7D&from=now-1m", AUTH,
		  200);
	CHECK(has(&a, "Content-Type: text/plain; charset=utf-8"));
	for (line = a.body; (line = strstr(line, " cpu-clock:\n")); line++)
		n++;
	CHECK(n >= 500);
	CHECK(!strncmp(a.body, "web       0/0       [000] ", 26));
	CHECK(!strstr(a.body, "db"));
	heard(&a);
}

/* The last one that asks for samples: the world loses some from here on. */
TEST(perf_script_tells_losses)
{
	const char *line;
	unsigned long long samples, ns;

	__atomic_store_n(&w.lost, 7, __ATOMIC_RELAXED);
	nap_ms(1200); /* the collector hears of them, and their window ends */
	CHECK_ASK("GET", "/api/v1/profile?format=perf-script&from=now-1m", AUTH, 200);
	line = strstr(a.body, "# [lost: ring full] of the host, ");
	CHECK(line && (line == a.body || line[-1] == '\n'));
	CHECK_EQ(sscanf(line + 1,
			" [lost: ring full] of the host, %*u.%*u to %*u.%*u: %llu samples, %llu ns",
			&samples, &ns),
		 2);
	CHECK_EQ(samples, 7);
	CHECK_EQ(ns, 7 * STEP_NS);
	CHECK(!strstr(line + 1, "# [lost")); /* once */
	heard(&a);
}

TEST(bad_questions)
{
	static const struct {
		const char *query, *says;
	} rows[] = {
		{ "?from=now-1m&until=now-2m", "from: is not before until" },
		{ "?from=5000000000&until=6000000000", "from: lies in the future" },
		{ "?query=%7Bservce_name=%22x%22%7D", "query: no label 'servce_name' in the "
						      "history; did you mean 'service_name'?" },
		{ "?group_by=foo", "group_by: no label 'foo' in the history; allowed" },
		{ "?group_by=zzzzzzzzz", "group_by: no label 'zzzzzzzzz' in the history; allowed" },
		{ "?group_by=", "group_by: allowed: 1 to 8 label names" },
		{ "?group_by=comm,,exe", "group_by: allowed: 1 to 8 label names" },
		{ "?format=svg", "format: 'svg' is not known; allowed: flamegraph, pprof, folded, "
				 "top, "
				 "speedscope, series, perf-script" },
		{ "?format=pprof&focus=x", "parameter 'focus' does not go with this format; "
					   "allowed: flamegraph, folded, top" },
		{ "?format=flamegraph&step=10s", "'step' does not go with this format; allowed: "
						 "series" },
		{ "?format=series&step=1ms", "step: '1ms'; allowed: auto, or a time like 10s" },
		{ "?format=series&step=1s&from=now-30d", "step: '1s'; allowed: auto" },
		{ "?format=series&max_points=1", "max_points: '1' is not a number in range" },
		{ "?focus=(", "focus: regular expression, its byte 2" },
		{ "?hide=", "hide: is empty" },
		{ "?busiest=10", "busiest: '10'; allowed: a part of the windows" },
		{ "?busiest=0%25", "busiest: '0%'" },
		{ "?busiest=nan%25", "busiest: 'nan%'" },
		{ "?merge=colour", "merge: 'colour' is not known; allowed: function, line" },
		{ "?merge=binary&lines=1", "merge: 'binary' contradicts lines=1" },
		{ "?invert=2", "invert: '2'" },
		/* takes exponential time by backtracking */
		{ "?focus=(.|..|...)*(.|..|...)*[!?]", "a regular expression takes too many "
						       "steps" },
	};
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(path, sizeof(path), "/api/v1/profile%s", rows[i].query);
		CHECK_ASK("GET", path, AUTH, 400);
		if (!strstr(a.body, "bad_data") || !strstr(a.body, rows[i].says))
			TAP_FAIL("%s: %s", rows[i].query, a.body);
		heard(&a);
	}
}

TEST(the_server_ends)
{
	world_free(&w);
}

int main(void)
{
	return tap_main();
}
