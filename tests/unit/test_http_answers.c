// SPDX-License-Identifier: GPL-2.0
/* Every kind of answer, asked for over a socket. */
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

TEST(a_server_starts)
{
	world_make(&w);
	CHECK(http_port(w.s) > 0);
}

TEST(healthy_and_ready_are_open)
{
	CHECK_ASK("GET", "/-/healthy", "", 200);
	CHECK_STR(a.body, "ok\n");
	CHECK(has(&a, "X-Content-Type-Options: nosniff"));
	CHECK(has(&a, "Cache-Control: no-store"));
	heard(&a);
	CHECK_ASK("GET", "/-/ready", "", 200);
	heard(&a);
	w.not_ready = "the source is gone";
	CHECK_ASK("GET", "/-/ready", "", 503);
	CHECK_STR(a.body, "not ready: the source is gone\n");
	heard(&a);
	w.not_ready = NULL;
}

TEST(everything_else_needs_the_credential)
{
	static const char *const paths[] = { "/",
					     "/index.html",
					     "/nothing",
					     "/debug/pprof/",
					     "/debug/pprof/profile?seconds=1",
					     "/debug/pprof/cmdline",
					     "/api/v1/profile",
					     "/api/v1/processes",
					     "/api/v1/targets",
					     "/api/v1/status",
					     "/api/v1/nothing" };
	struct http_counters c;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		CHECK_ASK("GET", paths[i], "", 401);
		CHECK(has(&a, "WWW-Authenticate: Basic realm=\"ringprof\", charset=\"UTF-8\""));
		heard(&a);
		CHECK_ASK("GET", paths[i], "Authorization: Bearer wrong\r\n", 401);
		heard(&a);
	}
	http_counters(w.s, &c);
	CHECK_EQ(c.auth_failures, 2 * ARRAY_SIZE(paths));
	CHECK_ASK("GET", "/api/v1/status", AUTH, 200);
	CHECK_STR(a.body, "{\"status\":\"fine\"}");
	heard(&a);
	CHECK_ASK("GET", "/api/v1/status", "Authorization: Basic YWRtaW46czNjcmV0\r\n", 200);
	heard(&a);
}

TEST(foreign_hosts_are_refused)
{
	struct http_counters c;

	CHECK_ASK("GET", "/api/v1/status", AUTH "Host: evil.example\r\n", 403);
	CHECK(strstr(a.body, "evil.example") && strstr(a.body, "allowed"));
	heard(&a);
	CHECK_ASK("GET", "/-/healthy", "Host: evil.example:4099\r\n", 403);
	heard(&a);
	CHECK_ASK("GET", "/-/healthy", "Host: 127.0.0.1\r\nHost: localhost\r\n", 400);
	heard(&a);
	CHECK_ASK("GET", "/-/healthy", "Host: [::1]:4099\r\n", 200);
	heard(&a);
	http_counters(w.s, &c);
	CHECK_EQ(c.host_refused, 2);
}

TEST(other_sites_pages_are_refused)
{
	CHECK_ASK("GET", "/api/v1/status", AUTH "Sec-Fetch-Site: cross-site\r\n", 403);
	heard(&a);
	CHECK_ASK("GET", "/debug/pprof/", AUTH "Sec-Fetch-Site: cross-site\r\n", 403);
	CHECK(has(&a, "X-Go-Pprof: 1"));
	heard(&a);
	CHECK_ASK("GET", "/api/v1/status", AUTH "Sec-Fetch-Site: same-origin\r\n", 200);
	CHECK(!strstr(a.all, "Access-Control"));
	heard(&a);
	/* a page of another port is of the same site, and to plain addresses browsers say no site */
	CHECK_ASK("POST", "/api/v1/status",
		  AUTH "Host: localhost:4099\r\n"
		       "Origin: http://localhost:3000\r\n",
		  403);
	heard(&a);
	CHECK_ASK("POST", "/api/v1/status", AUTH "Origin: null\r\n", 403);
	heard(&a);
	CHECK_ASK("POST", "/api/v1/status",
		  AUTH "Host: localhost:4099\r\n"
		       "Origin: http://localhost:4099\r\n",
		  405);
	heard(&a);
	CHECK_ASK("POST", "/api/v1/status",
		  AUTH "Host: localhost:4099\r\n"
		       "X-Forwarded-Host: prof.example\r\n"
		       "Origin: https://prof.example\r\n",
		  405);
	heard(&a);
	CHECK_ASK("GET", "/api/v1/status", AUTH "Origin: http://localhost:3000\r\n", 200);
	heard(&a);
}

TEST(unknown_paths_in_each_dress)
{
	CHECK_ASK("GET", "/nothing", AUTH, 404);
	CHECK(has(&a, "Content-Type: text/plain; charset=utf-8"));
	heard(&a);
	CHECK_ASK("GET", "/debug/pprof/heap?seconds=x&debug=1", AUTH, 404);
	CHECK_STR(a.body, "Unknown profile\n");
	CHECK(has(&a, "X-Go-Pprof: 1"));
	CHECK(has(&a, "Content-Type: text/plain; charset=utf-8"));
	heard(&a);
	CHECK_ASK("GET", "/api/v2/profile", AUTH, 404);
	CHECK(has(&a, "Content-Type: application/json"));
	CHECK(strstr(a.body, "{\"status\":\"error\",\"errorType\":\"not_found\",\"error\":\""));
	heard(&a);
	CHECK_ASK("GET", "/debug/pprof", AUTH, 301);
	CHECK(has(&a, "Location: /debug/pprof/"));
	heard(&a);
}

TEST(methods)
{
	static const char *const methods[] = { "POST", "PUT", "DELETE", "OPTIONS", "PATCH" };

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		CHECK_ASK(methods[i], "/api/v1/status", AUTH, 405);
		CHECK(has(&a, "Allow: GET, HEAD"));
		CHECK(strstr(a.body, "method_not_allowed"));
		heard(&a);
	}
	CHECK_ASK("DELETE", "/debug/pprof/symbol", AUTH, 405);
	CHECK(has(&a, "Allow: GET, HEAD, POST"));
	heard(&a);
	CHECK_ASK("HEAD", "/api/v1/status", AUTH, 200);
	CHECK_EQ(a.body_len, 0);
	CHECK(has(&a, "Content-Length: 17"));
	heard(&a);
	/* a HEAD of a profile does not wait for one */
	CHECK_ASK("HEAD", "/debug/pprof/profile", AUTH, 200);
	CHECK_EQ(a.body_len, 0);
	heard(&a);
}

TEST(sizes)
{
	char *big = malloc(2 << 20), *uri = malloc(20000);
	int fd;

	memset(big, 'a', 2 << 20);
	for (size_t size = 65537; size <= 2 << 20; size += (2 << 20) - 65537) {
		fd = dial(&w);
		put_request(fd, "POST", "/debug/pprof/symbol", AUTH, big, size);
		hear(fd, &a);
		/* the larger one may be cut off by our close, but never be taken */
		if (a.status || size < 1 << 20)
			CHECK_EQ(a.status, 413);
		heard(&a);
	}
	fd = dial(&w);
	put_request(fd, "POST", "/debug/pprof/symbol", AUTH, big, 65536);
	hear(fd, &a);
	CHECK_EQ(a.status, 200);
	CHECK_STR(a.body, "num_symbols: 1\n");
	heard(&a);
	memset(uri, 'a', 19999);
	uri[0] = '/';
	uri[19999] = '\0';
	CHECK_ASK("GET", uri, AUTH, 414);
	heard(&a);
	uri[8192] = '\0';
	CHECK_ASK("GET", uri, AUTH, 404);
	heard(&a);
	free(big);
	free(uri);
}

TEST(a_body_without_length_is_bounded)
{
	static const char head[] = "POST /debug/pprof/symbol HTTP/1.1\r\nHost: localhost\r\n" AUTH
				   "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
	char chunk[4096 + 16];
	int fd = dial(&w);

	memset(chunk, 'a', sizeof(chunk));
	memcpy(chunk, "1000\r\n", 6);
	memcpy(chunk + 6 + 4096, "\r\n", 2);
	say(fd, head, sizeof(head) - 1);
	for (int i = 0; i < 20; i++)
		say(fd, chunk, 6 + 4096 + 2);
	say(fd, "0\r\n\r\n", 5);
	hear(fd, &a);
	CHECK_EQ(a.status, 413);
	heard(&a);
}

TEST(api_parameters_are_strict)
{
	static const struct {
		const char *query, *says;
	} rows[] = {
		{ "?fron=1", "fron: unknown parameter; allowed: query, from, until" },
		{ "?from=1&from=2", "from: given more than once" },
		{ "?from=yesterday", "from: 'yesterday' is not a time; allowed: RFC 3339" },
		{ "?from=now&until=now-5m", "from: is not before until" },
		{ "?until=x", "until: 'x' is not a time" },
		{ "?format=svg", "format: 'svg' is not known; allowed: flamegraph, pprof" },
		{ "?max_nodes=many", "max_nodes: 'many' is not a number in range; allowed: 0 to" },
		{ "?max_nodes=-1", "max_nodes: '-1'" },
		{ "?query=%7Bcomm%3D", "query: position" },
		{ "?query=memory:x:y:z:w", "query: position" },
		{ "?text=1", "text: allowed: 0 or 1, with format=top" },
		{ "?from=%zz", "bad %-escape" },
		{ "?fr%22om=1", "fr\\\"om: unknown parameter" },
	};
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(path, sizeof(path), "/api/v1/profile%s", rows[i].query);
		CHECK_ASK("GET", path, AUTH, 400);
		CHECK(has(&a, "Content-Type: application/json"));
		if (!strstr(a.body, "{\"status\":\"error\",\"errorType\":\"bad_data\"") ||
		    !strstr(a.body, rows[i].says))
			TAP_FAIL("%s: %s", rows[i].query, a.body);
		heard(&a);
	}
	CHECK_ASK("GET", "/api/v1/processes?x=1", AUTH, 400);
	CHECK(strstr(a.body, "x: unknown parameter; allowed: none"));
	heard(&a);
}

TEST(api_profile_in_every_format)
{
	static const struct {
		const char *format, *type, *starts;
	} rows[] = {
		{ "flamegraph", "application/json", "{" },
		{ "top", "application/json", "{" },
		{ "speedscope", "application/json", "{" },
		{ "folded", "text/plain; charset=utf-8", "" },
		{ "top&text=1", "text/plain; charset=utf-8", "" },
		{ "pprof", "application/octet-stream", "\x1f\x8b" },
	};
	char path[256], type[128];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(path, sizeof(path), "/api/v1/profile?from=now-1m&max_nodes=100&format=%s",
			 rows[i].format);
		CHECK_ASK("GET", path, AUTH, 200);
		snprintf(type, sizeof(type), "Content-Type: %s", rows[i].type);
		CHECK(has(&a, type));
		CHECK(a.body_len > 20);
		CHECK(!strncmp(a.body, rows[i].starts, strlen(rows[i].starts)));
		CHECK(!strstr(a.all, "Content-Encoding"));
		heard(&a);
	}
	CHECK_ASK("GET", "/api/v1/profile", AUTH, 200);
	CHECK(strstr(a.body, "\"nodes\""));
	heard(&a);
	CHECK_ASK("GET", "/api/v1/profile?format=top", AUTH "Accept: text/plain\r\n", 200);
	CHECK(has(&a, "Content-Type: text/plain; charset=utf-8"));
	heard(&a);
	CHECK_ASK("GET", "/api/v1/profile", AUTH "Accept-Encoding: gzip\r\n", 200);
	CHECK(has(&a, "Content-Encoding: gzip") && has(&a, "Vary: Accept-Encoding"));
	CHECK(!strncmp(a.body, "\x1f\x8b", 2));
	heard(&a);
}

/* A question that reaches up to now sees what has just happened, not ten seconds ago. */
TEST(api_profile_is_fresh)
{
	unsigned long long total = 0;
	const char *at;

	nap_ms(1100);
	CHECK_ASK("GET", "/api/v1/profile?from=now-2h", AUTH, 200);
	at = strstr(a.body, "\"samples\":");
	CHECK(at && sscanf(at, "\"samples\":%llu", &total) == 1);
	CHECK(total >= 1000);
	heard(&a);
}

TEST(api_selects)
{
	CHECK_ASK("GET", "/api/v1/profile?query=%7Bservice_name%3D%22nobody%22%7D", AUTH, 200);
	CHECK(strstr(a.body, "\"total\":0,"));
	heard(&a);
}

TEST(processes_and_targets)
{
	CHECK_ASK("GET", "/api/v1/processes", AUTH, 200);
	CHECK(strstr(a.body, "\"service_name\":\"web\"") &&
	      strstr(a.body, "\"comm\":\"db \\\"2\\\"\"") && strstr(a.body, "\"cpu_seconds\":"));
	heard(&a);
	CHECK_ASK("GET", "/api/v1/targets", AUTH "Host: localhost:1234\r\n", 200);
	CHECK(has(&a, "Content-Type: application/json"));
	CHECK(strstr(a.body, "{\"targets\":[\"localhost:1234\"],\"labels\":{\"__scheme__\":"
			     "\"http\""));
	CHECK(strstr(a.body, "\"__param_query\":\"{service_name=\\\"web\\\"}\""));
	CHECK(strstr(a.body, "\"__param_query\":\"{service_name=\\\"db \\\\\\\"2\\\\\\\"\\\"}\""));
	heard(&a);
}

TEST(pprof_index_cmdline_symbol)
{
	CHECK_ASK("GET", "/debug/pprof/", AUTH, 200);
	CHECK(has(&a, "Content-Type: text/html; charset=utf-8"));
	CHECK(strstr(a.body, "href=\"profile?debug=1\"") && strstr(a.body, "href=\"cmdline?debug="
									   "1\""));
	heard(&a);
	CHECK_ASK("GET", "/debug/pprof/cmdline", AUTH, 200);
	CHECK(strstr(a.body, "test_http_answers"));
	heard(&a);
	CHECK_ASK("GET", "/debug/pprof/symbol?0x1+zz+0xffffffffffffffff+", AUTH, 200);
	CHECK(!strncmp(a.body, "num_symbols: 1\n", 15));
	heard(&a);
}

TEST(profile_parameters_are_gos)
{
	CHECK_ASK("GET", "/debug/pprof/profile?seconds=100", AUTH, 400);
	CHECK_STR(a.body, "profile duration exceeds server's WriteTimeout; at most 99 s here, "
			  "raise "
			  "history and restart ringprofd\n");
	CHECK(has(&a, "X-Go-Pprof: 1") && !strstr(a.all, "Content-Disposition"));
	heard(&a);
	CHECK_ASK("GET", "/debug/pprof/profile?seconds=9223372036854775807", AUTH, 400);
	heard(&a);
	CHECK_ASK("GET", "/debug/pprof/profile?seconds=1&query=%7B%7B", AUTH, 400);
	CHECK(strstr(a.body, "query: position") && has(&a, "X-Go-Pprof: 1"));
	heard(&a);
	CHECK_ASK("GET", "/debug/pprof/profile?seconds=1&labels=pid,host", AUTH, 400);
	heard(&a);
}

TEST(page_is_revalidated)
{
	char tag[64] = "", header[128];
	const char *at;

	CHECK_ASK("GET", "/", AUTH, 200);
	CHECK(has(&a, "X-Frame-Options: DENY") && has(&a, "Referrer-Policy: no-referrer"));
	CHECK(strstr(a.all, "\r\nContent-Security-Policy: default-src 'none'; script-src 'self'"));
	CHECK(strstr(a.all, "\r\nContent-Type: text/html"));
	CHECK(has(&a, "Cache-Control: private, no-cache"));
	at = strstr(a.all, "\r\nETag: ");
	CHECK(at && sscanf(at + 8, "%63[^\r]", tag) == 1);
	heard(&a);
	snprintf(header, sizeof(header), AUTH "If-None-Match: %s\r\n", tag);
	CHECK_ASK("GET", "/index.html", header, 304);
	CHECK_EQ(a.body_len, 0);
	heard(&a);
	CHECK_ASK("GET", "/", AUTH "Accept-Encoding: gzip\r\n", 200);
	CHECK(has(&a, "Content-Encoding: gzip") && !strncmp(a.body, "\x1f\x8b", 2));
	CHECK(!strstr(a.all, tag));
	heard(&a);
}

TEST(metrics_pass_promtool)
{
	FILE *p;

	/* who has no credential learns nothing of what runs here */
	CHECK_ASK("GET", "/metrics", "", 200);
	CHECK(strstr(a.body, "ringprof_kicks_total 1\n"));
	CHECK(!strstr(a.body, "service_name"));
	heard(&a);
	CHECK_ASK("GET", "/metrics", AUTH, 200);
	CHECK(has(&a, "Content-Type: text/plain; version=0.0.4; charset=utf-8"));
	CHECK(strstr(a.body, "ringprof_build_info{version=\"" RINGPROF_VERSION "\"} 1\n"));
	CHECK(strstr(a.body, "ringprof_kicks_total 1\n"));
	CHECK(strstr(a.body, "ringprof_cpu_seconds_total{service_name=\"db "
			     "\\\"2\\\"\",mode=\"kernel\"} "));
	if (access("/usr/bin/promtool", X_OK)) {
		heard(&a);
		SKIP("promtool is not installed");
	}
	p = popen("promtool check metrics", "w");
	CHECK(p);
	fputs(a.body, p);
	CHECK_EQ(pclose(p), 0);
	heard(&a);
	CHECK_ASK("GET", "/metrics", "Accept-Encoding: gzip\r\n", 200);
	CHECK(has(&a, "Content-Encoding: gzip"));
	heard(&a);
}

TEST(a_request_names_its_host)
{
	static const char with[] = "GET /-/healthy HTTP/1.1\r\nConnection: close\r\n\r\n";
	static const char old[] = "GET /-/healthy HTTP/1.0\r\n\r\n";
	int fd = dial(&w);

	say(fd, with, sizeof(with) - 1);
	hear(fd, &a);
	CHECK_EQ(a.status, 400);
	CHECK(strstr(a.body, "Host"));
	heard(&a);
	fd = dial(&w);
	say(fd, old, sizeof(old) - 1);
	hear(fd, &a);
	CHECK_EQ(a.status, 200);
	heard(&a);
}

TEST(connections_are_kept)
{
	static const char two[] = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"
				  "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n" AUTH
				  "Connection: close\r\n\r\n";
	int fd = dial(&w);

	say(fd, two, sizeof(two) - 1);
	hear(fd, &a);
	CHECK_EQ(a.status, 200);
	CHECK(!strncmp(a.body, "ok\nHTTP/1.1 200 ", 16));
	heard(&a);
}

TEST(noise_is_survived)
{
	unsigned int seed = 7;

	for (int i = 0; i < 40; i++) {
		static const char *const starts[] = { "", "GET /", "GET / HTTP/1.1\r\nHost: ",
						      "POST /debug/pprof/symbol HTTP/1.1\r\n" };
		const char *start = starts[i % 4];
		char noise[300];
		int fd = dial(&w);

		for (size_t j = 0; j < sizeof(noise); j++)
			noise[j] = (char)rand_r(&seed);
		say(fd, start, strlen(start));
		say(fd, noise, sizeof(noise));
		say(fd, "\r\n\r\n", 4);
		shutdown(fd, SHUT_WR);
		hear(fd, &a);
		if (a.status)
			CHECK(a.status >= 400);
		heard(&a);
	}
	CHECK_ASK("GET", "/-/healthy", "", 200);
	heard(&a);
}

TEST(responses_are_counted)
{
	struct http_counters c;

	http_counters(w.s, &c);
	CHECK(c.requests > 100);
	CHECK(c.responses_by_class[2] > 10 && c.responses_by_class[3] == 2 &&
	      c.responses_by_class[4] > 50);
	CHECK_EQ(c.responses_by_class[5], 1);
	CHECK_EQ(c.waiting, 0);
	CHECK(c.bytes_out > 1000);
	world_free(&w);
}

int main(void)
{
	return tap_main();
}
