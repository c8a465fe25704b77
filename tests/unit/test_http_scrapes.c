// SPDX-License-Identifier: GPL-2.0
/* Scrapes: exact ranges, back to back, the limit, hang-ups, slow clients, the end. */
#include <profile.pb-c.h>
#include <sys/stat.h>
#include <zlib.h>

#include "test_http_world.h"

struct scraped {
	int64_t from, duration; /* wall ns */
	int64_t samples, ns;
	size_t labels; /* numeric ones */
};

/* What is inside gzip; the caller frees. */
static unsigned char *gunzip(const char *data, size_t len, size_t *ret)
{
	size_t room = 4 << 20;
	unsigned char *out = malloc(room);
	z_stream z = { .next_in = (unsigned char *)data,
		       .avail_in = (unsigned int)len,
		       .next_out = out,
		       .avail_out = (unsigned int)room };

	CHECK_EQ(inflateInit2(&z, 15 + 16), Z_OK);
	CHECK_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
	CHECK_EQ(z.avail_in, 0);
	*ret = z.total_out;
	inflateEnd(&z);
	return out;
}

static void read_profile(const struct answer_got *a, struct scraped *ret)
{
	Ringprof__Pprof__Profile *p;
	unsigned char *plain;
	size_t n;

	memset(ret, 0, sizeof(*ret));
	if (a->status != 200)
		TAP_FAIL("%d: %s", a->status, a->body ? a->body : "");
	CHECK(has(a, "Content-Type: application/octet-stream"));
	CHECK(has(a, "Content-Disposition: attachment; filename=\"profile\""));
	CHECK(has(a, "X-Content-Type-Options: nosniff"));
	CHECK(!strstr(a->all, "Content-Encoding"));
	plain = gunzip(a->body, a->body_len, &n);
	p = ringprof__pprof__profile__unpack(NULL, n, plain);
	free(plain);
	CHECK(p);
	ret->from = p->time_nanos;
	ret->duration = p->duration_nanos;
	for (size_t i = 0; i < p->n_sample; i++) {
		ret->samples += p->sample[i]->value[0];
		ret->ns += p->sample[i]->value[1];
		for (size_t j = 0; j < p->sample[i]->n_label; j++)
			ret->labels += !p->sample[i]->label[j]->str;
	}
	ringprof__pprof__profile__free_unpacked(p, NULL);
}

static void scrape(const struct world *w, const char *query, const char *headers,
		   struct scraped *ret)
{
	struct answer_got a;
	char path[256];

	snprintf(path, sizeof(path), "/debug/pprof/profile?%s", query);
	ask_with(w, "GET", path, headers, &a);
	read_profile(&a, ret);
	heard(&a);
}

static uint64_t counter(const struct world *w, size_t offset)
{
	struct http_counters c;

	http_counters(w->s, &c);
	return *(uint64_t *)(void *)((char *)&c + offset);
}

#define COUNTER(w, field) counter(w, offsetof(struct http_counters, field))

/* Until the counter is n, two seconds at most. */
static bool becomes(const struct world *w, size_t offset, uint64_t n)
{
	for (int i = 0; i < 100 && counter(w, offset) != n; i++)
		nap_ms(20);
	return counter(w, offset) == n;
}

#define BECOMES(w, field, n) becomes(w, offsetof(struct http_counters, field), n)

static int begin(const struct world *w, const char *query)
{
	char path[256];
	int fd = dial(w);

	snprintf(path, sizeof(path), "/debug/pprof/profile?%s", query);
	put_request(fd, "GET", path, AUTH, NULL, 0);
	return fd;
}

TEST(a_second_is_a_thousand_samples_exactly)
{
	struct scraped s;
	struct world w;
	uint64_t before, took;

	world_make(&w);
	before = wall_now();
	took = mono_now();
	scrape(&w, "seconds=1&seconds=2&unknown=x", AUTH, &s);
	took = mono_now() - took;
	CHECK_EQ(s.samples, 1000);
	CHECK_EQ(s.ns, 1000000000);
	CHECK_EQ(s.duration, 1000000000);
	CHECK(s.from >= (int64_t)before && s.from < (int64_t)before + 100000000);
	CHECK_EQ(s.labels, 0);
	/* not before the range is over, and not long after: kicked, not left to the next round */
	CHECK(took >= NSEC_PER_SEC && took < 1500 * NSEC_PER_MSEC);
	CHECK(__atomic_load_n(&w.kicks, __ATOMIC_RELAXED) >= 1);
	world_free(&w);
}

TEST(selector_and_labels)
{
	struct scraped s;
	struct world w;

	world_make(&w);
	scrape(&w, "seconds=1&query=%7Bservice_name%3D%22web%22%7D&labels=pid,tid,cpu", AUTH, &s);
	CHECK_EQ(s.samples, 500);
	CHECK(s.labels > 0);
	world_free(&w);
}

TEST(back_to_back_scrapes_lose_and_double_nothing)
{
	struct scraped s[4];
	struct world w;

	world_make(&w);
	for (int i = 0; i < 4; i++) {
		scrape(&w, "seconds=1", AUTH, &s[i]);
		CHECK_EQ(s[i].samples, 1000);
		if (i)
			CHECK_EQ(s[i].from, s[i - 1].from + s[i - 1].duration);
		nap_ms(i * 60);
	}
	/* too late for that: from now */
	nap_ms(300);
	scrape(&w, "seconds=1", AUTH, &s[0]);
	CHECK(s[0].from > s[3].from + s[3].duration + 300000000LL);
	CHECK_EQ(s[0].samples, 1000);
	world_free(&w);
}

/* Two readers a little apart: each goes on at its own ends, not at the other's. */
TEST(readers_do_not_mix_up_their_ends)
{
	static const char *const agents[] = { AUTH "User-Agent: one\r\n", AUTH "User-Agent: "
									       "two\r\n" };
	int64_t end[2] = { 0 };
	struct answer_got a;
	struct scraped s;
	struct world w;
	int fd[2];

	world_make(&w);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 2; i++) {
			fd[i] = dial(&w);
			put_request(fd[i], "GET", "/debug/pprof/profile?seconds=1", agents[i], NULL,
				    0);
			/* the first time they begin apart, later both are asked for at once */
			nap_ms(round ? 0 : 100);
		}
		for (int i = 0; i < 2; i++) {
			hear(fd[i], &a);
			read_profile(&a, &s);
			heard(&a);
			CHECK_EQ(s.samples, 1000);
			if (round)
				CHECK_EQ(s.from, end[i]);
			end[i] = s.from + s.duration;
		}
	}
	CHECK(end[1] - end[0] > 50000000);
	world_free(&w);
}

TEST(more_than_may_wait_are_refused)
{
	struct answer_got a;
	struct world w;
	int fd[4];

	world_make(&w);
	for (int i = 0; i < 4; i++)
		fd[i] = begin(&w, "seconds=2");
	CHECK(BECOMES(&w, waiting, 4));
	ask(&w, "/debug/pprof/profile?seconds=1", &a);
	CHECK_EQ(a.status, 503);
	CHECK(has(&a, "X-Go-Pprof: 1"));
	CHECK(has(&a, "Retry-After: 2") || has(&a, "Retry-After: 1"));
	heard(&a);
	CHECK_EQ(COUNTER(&w, refused_waiting), 1);
	/* others are served meanwhile */
	ask(&w, "/api/v1/profile", &a);
	CHECK_EQ(a.status, 200);
	heard(&a);
	for (int i = 0; i < 4; i++) {
		hear(fd[i], &a);
		CHECK_EQ(a.status, 200);
		heard(&a);
	}
	CHECK(BECOMES(&w, waiting, 0));
	world_free(&w);
}

TEST(hang_ups_cost_nothing)
{
	struct answer_got a;
	struct world w;
	int fd[4];

	world_make(&w);
	for (int i = 0; i < 4; i++)
		fd[i] = begin(&w, "seconds=60");
	CHECK(BECOMES(&w, waiting, 4));
	close(fd[0]);
	shutdown(fd[1], SHUT_RDWR);
	shutdown(fd[2], SHUT_WR); /* as Go's server: that is gone, too */
	CHECK(BECOMES(&w, hangups, 3));
	CHECK_EQ(COUNTER(&w, waiting), 1);
	/* and the server has closed its side */
	hear(fd[2], &a);
	CHECK_EQ(a.status, 0);
	/* the places are free again */
	ask(&w, "/debug/pprof/profile?seconds=1", &a);
	CHECK_EQ(a.status, 200);
	heard(&a);
	close(fd[1]);
	close(fd[3]);
	CHECK(BECOMES(&w, hangups, 4));
	world_free(&w);
}

TEST(slow_clients_are_cut_off)
{
	struct answer_got a;
	uint64_t begun;
	struct world w;
	int idle, drip;

	world_parts(&w);
	w.cfg.request_timeout = 1;
	world_start(&w);
	begun = mono_now();
	idle = dial(&w);
	drip = dial(&w);
	say(drip, "GET /-/healthy HTTP/1.1\r\n", 25);
	/* a byte now and then is no excuse */
	for (int i = 0; i < 40 && COUNTER(&w, timeouts) < 2; i++) {
		say(drip, "X", 1);
		nap_ms(100);
	}
	CHECK_EQ(COUNTER(&w, timeouts), 2);
	CHECK(mono_now() - begun < 4 * NSEC_PER_SEC);
	hear(idle, &a);
	CHECK_EQ(a.status, 0);
	hear(drip, &a);
	CHECK_EQ(a.status, 0);
	world_free(&w);
}

TEST(a_dead_collector_is_told)
{
	struct answer_got a;
	struct world w;

	world_make(&w);
	w.s->give_up = NSEC_PER_SEC;
	nap_ms(50);
	__atomic_store_n(&w.dead, 1, __ATOMIC_RELEASE);
	ask(&w, "/debug/pprof/profile?seconds=1", &a);
	CHECK_EQ(a.status, 503);
	CHECK(strstr(a.body, "no samples have come"));
	heard(&a);
	/* history is still there */
	ask(&w, "/api/v1/profile", &a);
	CHECK_EQ(a.status, 200);
	heard(&a);
	world_free(&w);
}

/* 200 with nothing in it would be a host that idled. */
static void is_refused(struct store *without, const char *why)
{
	struct answer_got a;
	struct world w;

	world_make(&w);
	w.s->env.query.store = without;
	ask(&w, "/debug/pprof/profile?seconds=1", &a);
	CHECK_EQ(a.status, 503);
	CHECK(strstr(a.body, why));
	heard(&a);
	world_free(&w);
	store_free(without);
}

static const struct store_config a_second = { .max_age = NSEC_PER_SEC, .max_bytes = 1 << 20 };

TEST(a_time_that_is_not_in_memory_is_no_empty_profile)
{
	is_refused(store_new(&a_second), "none of these 1000 ms are in memory");
}

TEST(a_time_that_was_not_sampled_is_no_empty_profile)
{
	struct store *stopped = store_new(&a_second);
	struct window *none = calloc(1, sizeof(*none));

	*none = (struct window){ .refs = 1, .model = model_new(), .end = UINT64_MAX / 2 };
	CHECK_EQ(store_add(stopped, none), 0);
	is_refused(stopped, "nothing could be sampled in these 1000 ms");
}

TEST(the_end_is_told_to_who_waits)
{
	struct answer_got a;
	uint64_t begun;
	struct world w;
	int fd[3];

	world_make(&w);
	for (int i = 0; i < 3; i++)
		fd[i] = begin(&w, "seconds=60");
	CHECK(BECOMES(&w, waiting, 3));
	begun = mono_now();
	world_free(&w);
	CHECK(mono_now() - begun < 2 * NSEC_PER_SEC);
	for (int i = 0; i < 3; i++) {
		hear(fd[i], &a);
		CHECK_EQ(a.status, 503);
		CHECK_STR(a.body, "ringprofd is stopping\n");
		heard(&a);
	}
}

int main(void)
{
	return tap_main();
}
