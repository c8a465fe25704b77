// SPDX-License-Identifier: GPL-2.0
/* Grafana's calls, in both encodings, over a socket; bars and JSON by hand. */
#include <jansson.h>

#include "http/flamebearer.h"
#include "http/pbjson.h"
#include "profile.pb-c.h"
#include "test_http_world.h"

#define CALL "/querier.v1.QuerierService/"

static struct world w;
static struct answer_got a;

static void post(const char *name, const char *type, const void *body, size_t len, int want)
{
	char path[256], headers[256];
	int fd = dial(&w);

	snprintf(path, sizeof(path), CALL "%s", name);
	snprintf(headers, sizeof(headers), AUTH "Content-Type: %s\r\n", type);
	put_request(fd, "POST", path, headers, body, len);
	hear(fd, &a);
	if (a.status != want)
		TAP_FAIL("%s: %d, not %d: %s", name, a.status, want, a.body ? a.body : "");
}

static json_t *ask_json(const char *name, const char *body)
{
	json_t *o;

	post(name, "application/json", body, strlen(body), 200);
	CHECK(has(&a, "Content-Type: application/json"));
	o = json_loadb(a.body, a.body_len, 0, NULL);
	if (!o)
		TAP_FAIL("%s: no JSON: %.300s", name, a.body);
	heard(&a);
	return o;
}

/* As Grafana sends it: packed. The answer is unpacked into a message of that kind. */
static ProtobufCMessage *ask_proto(const char *name, const ProtobufCMessage *m,
				   const ProtobufCMessageDescriptor *kind)
{
	uint8_t room[1024];
	size_t n = protobuf_c_message_pack(m, room);
	ProtobufCMessage *ret;

	CHECK(n < sizeof(room));
	post(name, "application/proto", room, n, 200);
	CHECK(has(&a, "Content-Type: application/proto"));
	ret = protobuf_c_message_unpack(kind, NULL, a.body_len, (const uint8_t *)a.body);
	CHECK(ret != NULL);
	heard(&a);
	return ret;
}

static int64_t now_ms(void)
{
	return (int64_t)(wall_now() / NSEC_PER_MSEC);
}

TEST(some_history)
{
	world_make(&w);
	nap_ms(1200);
	ask(&w, "/api/v1/profile", &a); /* closes the open window */
	CHECK_EQ(a.status, 200);
	heard(&a);
}

TEST(profile_types)
{
	Ringprof__Pprof__QuerierTypesRequest q = RINGPROF__PPROF__QUERIER_TYPES_REQUEST__INIT;
	Ringprof__Pprof__QuerierTypesResponse *p = (void *)ask_proto(
		"ProfileTypes", &q.base, &ringprof__pprof__querier_types_response__descriptor);
	json_t *o, *t;

	CHECK_EQ(p->n_profile_types, 2);
	CHECK_STR(p->profile_types[0]->id, "process_cpu:cpu:nanoseconds:cpu:nanoseconds");
	CHECK_STR(p->profile_types[0]->sample_unit, "nanoseconds");
	CHECK_STR(p->profile_types[1]->sample_type, "samples");
	protobuf_c_message_free_unpacked(&p->base, NULL);
	o = ask_json("ProfileTypes", "{}");
	t = json_array_get(json_object_get(o, "profileTypes"), 0);
	CHECK_STR(json_string_value(json_object_get(t, "ID")), "process_cpu:cpu:nanoseconds:cpu:"
							       "nanoseconds");
	CHECK_STR(json_string_value(json_object_get(t, "periodUnit")), "nanoseconds");
	json_decref(o);
}

TEST(names_and_values)
{
	char *matchers[] = { (char *)"{__profile_type__=\"process_cpu:cpu:nanoseconds:cpu:"
				     "nanoseconds\",service_name=~\"w.*\"}" };
	Ringprof__Pprof__QuerierValuesRequest q = RINGPROF__PPROF__QUERIER_VALUES_REQUEST__INIT;
	Ringprof__Pprof__QuerierNamesResponse *p;
	json_t *o;

	q.name = (char *)"service_name";
	q.matchers = matchers;
	q.n_matchers = 1;
	q.start = now_ms() - 60000;
	q.end = now_ms() + 1000;
	p = (void *)ask_proto("LabelValues", &q.base,
			      &ringprof__pprof__querier_names_response__descriptor);
	CHECK_EQ(p->n_names, 1);
	CHECK_STR(p->names[0], "web");
	protobuf_c_message_free_unpacked(&p->base, NULL);
	o = ask_json("LabelNames", "{\"matchers\":[\"{}\"],\"start\":\"0\",\"unknown\":[1]}");
	CHECK(json_array_size(json_object_get(o, "names")) >= 4);
	json_decref(o);
	o = ask_json("LabelValues", "{\"name\":\"__profile_type__\"}");
	CHECK_EQ(json_array_size(json_object_get(o, "names")), 2);
	json_decref(o);
	o = ask_json("Series", "{\"labelNames\":[\"service_name\"]}");
	CHECK_EQ(json_array_size(json_object_get(o, "labelsSet")), 2);
	json_decref(o);
	o = ask_json("Series", "{\"labelNames\":[\"user\"]}"); /* both have the same */
	CHECK_EQ(json_array_size(json_object_get(o, "labelsSet")), 1);
	json_decref(o);
}

TEST(stack_traces)
{
	Ringprof__Pprof__QuerierMergeRequest q = RINGPROF__PPROF__QUERIER_MERGE_REQUEST__INIT;
	Ringprof__Pprof__QuerierMergeResponse *p;
	Ringprof__Pprof__QuerierFlameGraph *g;

	q.profile_typeid = (char *)QUERY_TYPE_CPU;
	q.label_selector = (char *)"{service_name=\"web\"}";
	q.start = now_ms() - 60000;
	q.end = now_ms() + 1000;
	p = (void *)ask_proto("SelectMergeStacktraces", &q.base,
			      &ringprof__pprof__querier_merge_response__descriptor);
	g = p->flamegraph;
	CHECK(g != NULL);
	CHECK_STR(g->names[0], "total");
	CHECK_EQ(g->levels[0]->n_values, 4);
	CHECK_EQ(g->levels[0]->values[1], g->total);
	CHECK(g->total > 500000000 && g->max_self > 0);
	for (size_t i = 0; i < g->n_levels; i++) {
		int64_t total = 0;

		CHECK_EQ(g->levels[i]->n_values % 4, 0);
		for (size_t k = 0; k < g->levels[i]->n_values; k += 4) {
			CHECK(g->levels[i]->values[k] >= 0);
			CHECK(g->levels[i]->values[k + 3] < (int64_t)g->n_names);
			total += g->levels[i]->values[k + 1];
		}
		CHECK(total <= g->total);
	}
	protobuf_c_message_free_unpacked(&p->base, NULL);
	/* nothing found: no graph */
	q.label_selector = (char *)"{service_name=\"nobody\"}";
	p = (void *)ask_proto("SelectMergeStacktraces", &q.base,
			      &ringprof__pprof__querier_merge_response__descriptor);
	CHECK(!p->flamegraph);
	protobuf_c_message_free_unpacked(&p->base, NULL);
}

TEST(the_profile_itself)
{
	Ringprof__Pprof__QuerierMergeRequest q = RINGPROF__PPROF__QUERIER_MERGE_REQUEST__INIT;
	Ringprof__Pprof__Profile *p;
	int64_t ns = 0;

	q.profile_typeid = (char *)QUERY_TYPE_CPU;
	q.label_selector = (char *)"{}";
	p = (void *)ask_proto("SelectMergeProfile", &q.base, &ringprof__pprof__profile__descriptor);
	CHECK_EQ(p->n_sample_type, 2);
	for (size_t i = 0; i < p->n_sample; i++)
		ns += p->sample[i]->value[1];
	CHECK(ns > 1000000000);
	protobuf_c_message_free_unpacked(&p->base, NULL);
	post("SelectMergeProfile", "application/json", "{}", 2, 501);
	heard(&a);
}

TEST(points_in_time)
{
	char *group[] = { (char *)"service" };
	Ringprof__Pprof__QuerierPointsRequest q = RINGPROF__PPROF__QUERIER_POINTS_REQUEST__INIT;
	Ringprof__Pprof__QuerierPointsResponse *p;

	q.profile_typeid = (char *)QUERY_TYPE_SAMPLES;
	q.label_selector = (char *)"{}";
	q.start = now_ms() - 60000;
	q.end = now_ms();
	q.step = 15;
	q.group_by = group;
	q.n_group_by = 1;
	p = (void *)ask_proto("SelectSeries", &q.base,
			      &ringprof__pprof__querier_points_response__descriptor);
	CHECK_EQ(p->n_series, 2);
	for (size_t i = 0; i < 2; i++) {
		double sum = 0;

		CHECK_EQ(p->series[i]->n_labels, 1);
		CHECK_STR(p->series[i]->labels[0]->name, "service_name");
		CHECK(p->series[i]->n_points >= 1 && p->series[i]->n_points <= 2);
		for (size_t k = 0; k < p->series[i]->n_points; k++) {
			CHECK_EQ(p->series[i]->points[k]->timestamp % 15000, 0);
			sum += p->series[i]->points[k]->value;
		}
		CHECK(sum >= 500);
	}
	protobuf_c_message_free_unpacked(&p->base, NULL);
	q.limit = 1;
	p = (void *)ask_proto("SelectSeries", &q.base,
			      &ringprof__pprof__querier_points_response__descriptor);
	CHECK_EQ(p->n_series, 1);
	protobuf_c_message_free_unpacked(&p->base, NULL);
}

TEST(what_is_wrong_is_told_as_connect_tells_it)
{
	static const struct {
		const char *call, *type, *body;
		int status;
		const char *says;
	} rows[] = {
		{ "Nothing", "application/json", "{}", 501, "unimplemented" },
		{ "ProfileTypes", "text/plain", "{}", 415, "application/proto, application/json" },
		{ "ProfileTypes", "application/json", "[", 400, "invalid_argument" },
		{ "ProfileTypes", "application/json", "{\"start\":\"x\"}", 400,
		  "start: has a value" },
		{ "LabelNames", "application/json", "{\"matchers\":\"x\"}", 400, "matchers: has" },
		{ "LabelNames", "application/json", "{\"matchers\":[\"{a=\"]}", 400, "position" },
		{ "LabelNames", "application/json", "{\"start\":5,\"end\":4}", 400,
		  "begins before" },
		{ "LabelNames", "application/proto", "\x0a\xff\xff\xff\xff\x0f", 400,
		  "no message" },
		{ "SelectMergeStacktraces", "application/json",
		  "{\"profileTypeID\":\"memory:x:y:z:w\"}", 400, "unknown profile type" },
		{ "SelectSeries", "application/json",
		  "{\"start\":1,\"end\":100000000,\"step\":0.001}", 400, "step: allowed" },
		{ "SelectSeries", "application/json",
		  "{\"groupBy\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"]}", 400,
		  "group_by: more than 8" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		post(rows[i].call, rows[i].type, rows[i].body, strlen(rows[i].body),
		     rows[i].status);
		CHECK(has(&a, "Content-Type: application/json"));
		if (strncmp(a.body, "{\"code\":\"", 9) || !strstr(a.body, rows[i].says))
			TAP_FAIL("%s %s: %s", rows[i].call, rows[i].body, a.body);
		heard(&a);
	}
	ask(&w, CALL "ProfileTypes", &a);
	CHECK_EQ(a.status, 405);
	CHECK(has(&a, "Allow: POST"));
	heard(&a);
	ask_with(&w, "POST", CALL "ProfileTypes", "", &a);
	CHECK_EQ(a.status, 401);
	CHECK(strstr(a.body, "unauthenticated"));
	heard(&a);
}

static json_t *get(const char *path)
{
	json_t *o;

	ask(&w, path, &a);
	if (a.status != 200)
		TAP_FAIL("%s: %d: %s", path, a.status, a.body);
	o = json_loadb(a.body, a.body_len, 0, NULL);
	CHECK(o != NULL);
	heard(&a);
	return o;
}

static long long number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

TEST(render)
{
	json_t *o = get("/pyroscope/render?query=" QUERY_TYPE_CPU "%7Bservice_name=%22web%22%7D&"
			"from=now-1m&until=now&whatever="
			"1");
	json_t *f = json_object_get(o, "flamebearer"), *v;
	double sum = 0;
	size_t i;

	CHECK_STR(json_string_value(json_array_get(json_object_get(f, "names"), 0)), "total");
	CHECK(number(f, "numTicks") > 500000000);
	CHECK_EQ(number(json_object_get(o, "metadata"), "sampleRate"), 1000000000);
	json_array_foreach(json_object_get(json_object_get(o, "timeline"), "samples"), i, v)
		sum += json_number_value(v);
	CHECK(sum >= (double)number(f, "numTicks") / 2);
	json_decref(o);
	o = get("/pyroscope/label-values?label=service_name");
	CHECK_EQ(json_array_size(o), 2);
	json_decref(o);
	ask(&w, "/pyroscope/render?from=now-1m", &a);
	CHECK(a.status == 400 && strstr(a.body, "query: is missing"));
	heard(&a);
	ask(&w, "/pyroscope/render?query=%7B%7D&format=dot", &a);
	CHECK(a.status == 400 && strstr(a.body, "allowed: json"));
	heard(&a);
	ask(&w, "/pyroscope/label-values", &a);
	CHECK(a.status == 400 && strstr(a.body, "label: is missing"));
	heard(&a);
}

TEST(render_diff)
{
	json_t *o = get("/pyroscope/"
			"render-diff?leftQuery=%7Bservice_name=%22web%22%7D&leftFrom=now-1m&"
			"rightQuery=%7Bservice_name=%22nobody%22%7D&rightFrom=now-1m");
	json_t *f = json_object_get(o, "flamebearer");
	json_t *bar = json_array_get(json_object_get(f, "levels"), 0);

	CHECK(number(o, "leftTicks") > 500000000);
	CHECK_EQ(number(o, "rightTicks"), 0);
	CHECK_EQ(json_array_size(bar), 7);
	CHECK_EQ(json_integer_value(json_array_get(bar, 1)), number(o, "leftTicks"));
	CHECK_STR(json_string_value(json_object_get(json_object_get(o, "metadata"), "format")),
		  "double");
	json_decref(o);
	ask(&w, "/pyroscope/render-diff?leftQuery=%7B%7D&rightQuery=" QUERY_TYPE_SAMPLES, &a);
	CHECK(a.status == 400 && strstr(a.body, "another profile type"));
	heard(&a);
}

TEST(the_server_ends)
{
	world_free(&w);
}

/* total 10: a 6 (c 2, d 3), b 3 (e 3); levels by hand */
TEST(bars_by_hand)
{
	static const int64_t want[] = { 0, 10, 1, 0, 0, 6, 1, 1, 0, 3, 0, 2,
					0, 3,  3, 4, 0, 2, 2, 3, 1, 3, 3, 5 };
	struct tree_func funcs[] = { { .name = "total" }, { .name = "a" }, { .name = "b" },
				     { .name = "c" },	  { .name = "d" }, { .name = "e" } };
	struct tree_node n[] = {
		{ .first_child = 1, .func = 0, .self = 1, .total = 10 },
		{ .first_child = 4, .next = 2, .func = 1, .self = 1, .total = 6 },
		{ .first_child = 5, .func = 2, .total = 3 },
		{ .parent = 1, .func = 3, .self = 2, .total = 2 },
		{ .parent = 1, .next = 3, .func = 4, .self = 3, .total = 3 },
		{ .parent = 2, .func = 5, .self = 3, .total = 3 },
	};
	const struct tree t = { .nodes = n, .n_nodes = 6, .funcs = funcs, .n_funcs = 6 };
	struct flamebearer f;

	CHECK_EQ(flamebearer_make(&f, &t), 0);
	CHECK_EQ(f.n_levels, 3);
	CHECK_EQ(f.level_end[2], 6);
	CHECK_EQ(f.max_self, 3);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		if (f.values[i] != want[i])
			TAP_FAIL("value %zu is %lld, not %lld", i, (long long)f.values[i],
				 (long long)want[i]);
	CHECK_STR(f.names[4], "d");
	flamebearer_free(&f);
}

TEST(json_of_messages)
{
	static const char text[] = "{\"name\":\"a\\\"b\",\"matchers\":[\"x\",\"y\"],\"start\":\"-"
				   "5\"}";
	ProtobufCMessage *m;
	struct buf b = { 0 };
	char err[256];

	CHECK_EQ(pbjson_read(&m, &ringprof__pprof__querier_values_request__descriptor, text,
			     strlen(text), err, sizeof(err)),
		 0);
	pbjson_write(&b, m);
	CHECK_STR(b.data, text);
	buf_free(&b);
	protobuf_c_message_free_unpacked(m, NULL);
}

int main(void)
{
	return tap_main();
}
