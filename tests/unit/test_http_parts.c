// SPDX-License-Identifier: GPL-2.0
/* The pure parts of the HTTP side: parameters, credential, Host, routes, metrics text. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "http/auth.h"
#include "http/hostcheck.h"
#include "http/internal.h"
#include "http/metrics.h"
#include "http/params.h"
#include "tap.h"

static const char *const two[] = { "from", "until", NULL };

TEST(params_decode)
{
	struct url_params p;

	CHECK_EQ(params_parse(&p, "a=1&b=x+y%2Bz%26&&c&d=&a=2&%61b=%C3%a4&=e"), 0);
	CHECK_EQ(p.n, 7);
	CHECK_EQ(p.broken, 0);
	CHECK_STR(params_get(&p, "a"), "1");
	CHECK_STR(params_get(&p, "b"), "x y+z&");
	CHECK_STR(params_get(&p, "c"), "");
	CHECK_STR(params_get(&p, "d"), "");
	CHECK_STR(params_get(&p, "ab"), "\xc3\xa4");
	CHECK_STR(params_get(&p, ""), "e");
	CHECK(!params_get(&p, "e"));
	params_free(&p);
	CHECK_EQ(params_parse(&p, NULL), 0);
	CHECK_EQ(p.n, 0);
	params_free(&p);
}

TEST(params_leave_out_what_is_broken)
{
	static const char *const bad[] = { "a=%", "a=%4", "a=%zz", "%g1=a", "a=%00", "a=b;c=d" };
	struct url_params p;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_EQ(params_parse(&p, bad[i]), 0);
		CHECK_EQ(p.n, 0);
		CHECK_EQ(p.broken, 1);
		params_free(&p);
	}
}

TEST(params_are_bounded)
{
	char text[PARAMS_MAX * 8 + 100] = "";
	struct url_params p;

	for (int i = 0; i < PARAMS_MAX + 3; i++)
		strcat(text, "a=b&");
	CHECK_EQ(params_parse(&p, text), 0);
	CHECK_EQ(p.n, PARAMS_MAX);
	CHECK_EQ(p.broken, 3);
	params_free(&p);
}

TEST(params_strict_names_the_culprit)
{
	struct url_params p;
	char err[256];

	params_parse(&p, "from=1&until=2");
	CHECK_EQ(params_strict(&p, two, err, sizeof(err)), 0);
	params_free(&p);
	params_parse(&p, "from=1&fron=2");
	CHECK_EQ(params_strict(&p, two, err, sizeof(err)), -EINVAL);
	CHECK_STR(err, "fron: unknown parameter; allowed: from, until");
	params_free(&p);
	params_parse(&p, "from=1&from=1");
	CHECK_EQ(params_strict(&p, two, err, sizeof(err)), -EINVAL);
	CHECK_STR(err, "from: given more than once; allowed: from, until");
	params_free(&p);
	params_parse(&p, "from=%");
	CHECK_EQ(params_strict(&p, two, err, sizeof(err)), -EINVAL);
	CHECK(strstr(err, "%-escape"));
	params_free(&p);
	params_parse(&p, "x");
	CHECK_EQ(params_strict(&p, two + 2, err, sizeof(err)), -EINVAL);
	CHECK_STR(err, "x: unknown parameter; allowed: none");
	/* a short buffer cuts the text, nothing else */
	CHECK_EQ(params_strict(&p, two, err, 10), -EINVAL);
	CHECK_STR(err, "x: unknow");
	params_free(&p);
}

TEST(seconds_as_go_reads_them)
{
	static const struct {
		const char *query;
		int64_t seconds;
	} rows[] = {
		{ "", 30 },
		{ "seconds=7", 7 },
		{ "seconds=7&seconds=9", 7 },
		{ "seconds=x&seconds=9", 30 },
		{ "seconds=0", 30 },
		{ "seconds=-5", 30 },
		{ "seconds=%2B5", 5 },
		{ "seconds=+5", 30 }, /* a blank */
		{ "seconds=5s", 30 },
		{ "seconds=5.0", 30 },
		{ "seconds=0x10", 30 },
		{ "seconds=%205", 30 },
		{ "seconds=9223372036854775807", INT64_MAX },
		{ "seconds=9223372036854775808", 30 },
		{ "seconds", 30 },
		{ "debug=1&seconds=3", 3 },
		{ "%zz=1&seconds=3", 3 },
	};
	struct url_params p;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		params_parse(&p, rows[i].query);
		CHECK_EQ(params_seconds(&p), rows[i].seconds);
		params_free(&p);
	}
}

TEST(numbers_have_a_range)
{
	static const char *const bad[] = { "n=",   "n=x",  "n=-1",   "n=11",
					   "n=1x", "n=+1", "n=%201", "n=99999999999999999999" };
	struct url_params p;
	char err[256];
	uint64_t v;

	params_parse(&p, "n=10");
	CHECK_EQ(params_number(&p, "n", 0, 10, 3, &v, err, sizeof(err)), 0);
	CHECK_EQ(v, 10);
	CHECK_EQ(params_number(&p, "m", 0, 10, 3, &v, err, sizeof(err)), 0);
	CHECK_EQ(v, 3);
	params_free(&p);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		params_parse(&p, bad[i]);
		CHECK_EQ(params_number(&p, "n", 0, 10, 3, &v, err, sizeof(err)), -EINVAL);
		CHECK(strstr(err, "n: '") && strstr(err, "allowed: 0 to 10"));
		params_free(&p);
	}
}

TEST(accept_headers)
{
	CHECK(accepts_gzip("gzip"));
	CHECK(accepts_gzip("deflate, GZIP;q=0.5 ,br"));
	CHECK(!accepts_gzip("gzip;q=0"));
	CHECK(!accepts_gzip("gzip; q=0.000"));
	CHECK(!accepts_gzip("xgzip, gzipx"));
	CHECK(!accepts_gzip(""));
	CHECK(!accepts_gzip(NULL));
	CHECK(accepts_text("text/plain"));
	CHECK(accepts_text("text/plain, application/json"));
	CHECK(!accepts_text("application/json, text/plain"));
	CHECK(!accepts_text("*/*"));
	CHECK(!accepts_text(NULL));
}

TEST(credentials)
{
	static const char *const good[] = {
		"Bearer s3cret",      "bearer  s3cret", "Basic YWRtaW46czNjcmV0", /* admin:s3cret */
		"basic OnMzY3JldA==",						  /* :s3cret */
		"Basic OnMzY3JldA",   /* without padding */
		"Basic eDpzM2NyZXQ=", /* x:s3cret */
	};
	static const char *const bad[] = {
		"",
		"Bearer",
		"Bearer ",
		"Bearer s3cre",
		"Bearer s3crett",
		"Bearer S3cret",
		"s3cret",
		"Digest s3cret",
		"Basic",
		"Basic ",
		"Basic !!!!",
		"Basic czNjcmV0",	     /* s3cret, no user */
		"Basic YWRtaW46czNjcmV1",    /* admin:s3creu */
		"Basic YWRtaW46czNjcmV0=A",  /* something behind the padding */
		"Basic YWRtaW46czNjcmV0===", /* too much of it */
		"Basic Y",
		"Basic s3cret",
		"Basic YTpiOnMzY3JldA==", /* a:b:s3cret: the password is all after the first colon */
	};
	char *huge = malloc(9000);

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(auth_ok(good[i], "s3cret"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!auth_ok(bad[i], "s3cret"));
	CHECK(!auth_ok(NULL, "s3cret"));
	/* no credential opens nothing */
	CHECK(!auth_ok("Bearer ", ""));
	CHECK(!auth_ok("Basic YTo=", ""));
	memset(huge, 'A', 8999);
	memcpy(huge, "Basic ", 6);
	huge[8999] = '\0';
	CHECK(!auth_ok(huge, "s3cret"));
	free(huge);
}

TEST(hosts_on_loopback)
{
	static const char *const good[] = { "localhost",  "LocalHost:4099", "localhost.",
					    "127.0.0.1",  "127.0.0.1:1",    "127.8.9.1:4099",
					    "[::1]:4099", "[::1]",	    "prof.example.org:80",
					    "a.lan",	  "b.a.lan:4099",   "localhost:" };
	static const char *const bad[] = { "",
					   "evil.example",
					   "localhost.evil.example",
					   "127.0.0.1.evil.example",
					   "10.0.0.1",
					   "[2001:db8::1]",
					   "[::1",
					   "::1",
					   "[]:1",
					   "localhost:80x",
					   "[localhost]",
					   "box",
					   "[::1]x",
					   "xa.lan",
					   "lan",
					   "prof.example.org@x",
					   "localhost/",
					   " localhost" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!host_allowed(good[i], HOST_LOOPBACK, "prof.example.org, a.lan ,.a.lan", "box"))
			TAP_FAIL("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (host_allowed(bad[i], HOST_LOOPBACK, "prof.example.org, a.lan ,.a.lan", "box"))
			TAP_FAIL("allowed: %s", bad[i]);
}

TEST(hosts_elsewhere)
{
	char longest[600];

	CHECK(host_allowed("10.0.0.1:4099", HOST_OPEN, "", "box"));
	CHECK(host_allowed("[2001:db8::1]:4099", HOST_OPEN, NULL, "box"));
	CHECK(host_allowed("BOX:4099", HOST_OPEN, "", "box"));
	CHECK(host_allowed("localhost", HOST_OPEN, "", "box"));
	CHECK(!host_allowed("evil.example", HOST_OPEN, "", "box"));
	CHECK(!host_allowed("1", HOST_OPEN, "", "box"));
	CHECK(!host_allowed("box.evil.example", HOST_OPEN, "", "box"));
	CHECK(!host_allowed("", HOST_OPEN, "", ""));
	CHECK(host_allowed("anything", HOST_OPEN, "*", ""));
	CHECK(host_allowed("whatever it is", HOST_ANY, "", ""));
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	CHECK(!host_allowed(longest, HOST_OPEN, longest, longest));
}

TEST(policy_of_an_address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr un = { .sa_family = AF_UNIX };

	CHECK_EQ(host_policy_of((void *)&in), HOST_OPEN);
	in.sin_addr.s_addr = htonl(0x7f000002);
	CHECK_EQ(host_policy_of((void *)&in), HOST_LOOPBACK);
	CHECK_EQ(host_policy_of((void *)&in6), HOST_OPEN);
	CHECK_EQ(inet_pton(AF_INET6, "::1", &in6.sin6_addr), 1);
	CHECK_EQ(host_policy_of((void *)&in6), HOST_LOOPBACK);
	CHECK_EQ(inet_pton(AF_INET6, "::ffff:127.0.0.1", &in6.sin6_addr), 1);
	CHECK_EQ(host_policy_of((void *)&in6), HOST_LOOPBACK);
	CHECK_EQ(host_policy_of(&un), HOST_ANY);
}

TEST(routes)
{
	CHECK(route_find("/debug/pprof/profile")->handler == pprof_profile);
	CHECK(route_find("/debug/pprof/")->handler == pprof_index);
	CHECK(route_find("/debug/pprof")->handler == pprof_redirect);
	CHECK(route_find("/debug/pprof/heap")->handler == pprof_unknown);
	CHECK(route_find("/debug/pprof/profile/")->handler == pprof_unknown);
	CHECK(route_find("/api/v1/profile")->handler == api_profile);
	CHECK(route_find("/api/v1/profiles")->handler == api_unknown);
	CHECK(route_find("/api/v1/nothing")->family == F_API);
	CHECK(route_find("/")->handler == page_handler);
	CHECK(route_find("")->handler == page_handler);
	CHECK(route_find("*")->handler == page_handler);
	CHECK(route_find("/../etc/passwd")->handler == page_handler);
	/* open to everybody: these and nothing else */
	CHECK(route_find("/metrics")->open && route_find("/-/healthy")->open &&
	      route_find("/-/ready")->open);
	CHECK(!route_find("/")->open && !route_find("/metrics/")->open &&
	      !route_find("/-/")->open && !route_find("/debug/pprof/profile")->open &&
	      !route_find("/api/v1/status")->open && !route_find("/debug/x")->open);
}

TEST(metrics_text)
{
	struct buf b = { 0 };

	metrics_family(&b, "x_total", METRIC_COUNTER, "Things.");
	metrics_u64(&b, "x_total", 18446744073709551615ULL, NULL);
	metrics_u64(&b, "x_total", 0, "a", "q\"b\\c\nd\xff", "e", NULL, NULL);
	CHECK_STR(b.data, "# HELP x_total Things.\n# TYPE x_total counter\n"
			  "x_total 18446744073709551615\n"
			  "x_total{a=\"q\\\"b\\\\c\\nd\xef\xbf\xbd\",e=\"\"} 0\n");
	buf_reset(&b);
	metrics_ns(&b, "y_seconds", 1000000001, "k", "v", NULL);
	CHECK_STR(b.data, "y_seconds{k=\"v\"} 1.000000001\n");
	buf_free(&b);
}

int main(void)
{
	return tap_main();
}
