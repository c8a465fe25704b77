// SPDX-License-Identifier: GPL-2.0
/* Single samples of the last minutes on disk: what was given comes back, and no more than is allowed stays. */
#include <errno.h>
#include <fcntl.h>

#include "export/export.h"
#include "query/series.h"
#include "store/history.h"
#include "store/store_int.h"
#include "test_store_raw.h"

struct raw_sums {
	uint64_t samples, mixed, windows;
	uint64_t from, to;
};

static void mix(struct raw_sums *s, const struct window *w, uint32_t entry, uint32_t us,
		uint16_t cpu)
{
	const struct window_entry *e = &w->entries[entry];
	const struct model_thread *t = model_thread(w->model, e->thread);
	const struct model_frame *f = model_frame(w->model, model_stack(w->model, e->stack)->frame);
	uint64_t time = w->wall_start + us * 1000ULL;

	s->samples++;
	s->mixed += hash_mix(hash_mix(time, (uint64_t)t->tid), hash_mix(f->off, cpu)) +
		    (uint64_t)model_proc(w->model, t->proc)->pid * (e->flags + 1U);
}

static int add_raw(void *arg, struct window *w, const struct raw_sample *r, uint32_t n)
{
	struct raw_sums *s = arg;

	s->windows++;
	s->from = s->from ? s->from : w->wall_start;
	s->to = w->wall_start + 10 * SEC;
	for (uint32_t i = 0; i < n; i++) {
		if (i && r[i].us < r[i - 1].us)
			TAP_FAIL("sample %u is earlier than the one before", i);
		mix(s, w, r[i].entry, r[i].us, r[i].cpu);
	}
	return 0;
}

static void ask(struct store *s, uint64_t from, uint64_t to, struct raw_sums *ret)
{
	struct store_ask a = { .from = from, .to = to };

	memset(ret, 0, sizeof(*ret));
	CHECK_EQ(store_raw(s, &a, add_raw, ret), 0);
}

static void truth(struct world_model *m, uint64_t from, uint64_t to, struct raw_sums *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint64_t t = from; t < to; t += 10 * SEC) {
		struct window *w = raw_window(m, t);

		for (uint32_t i = 0; i < w->n_events; i++)
			mix(ret, w, w->events[i].entry, w->events[i].us,
			    w->entries[w->events[i].entry].cpu);
		window_unref(w);
	}
}

static void same(struct store *s, struct world_model *m, uint64_t from, uint64_t to)
{
	struct raw_sums got, want;

	ask(s, from, to, &got);
	truth(m, from, to, &want);
	CHECK_EQ(got.samples, want.samples);
	CHECK_EQ(got.mixed, want.mixed);
}

TEST(samples_come_back_with_thread_cpu_stack_and_time)
{
	struct history_counters c;
	struct world_sums got, want;
	struct world_model m;
	struct raw_sums none;
	struct store *s;

	world_begin();
	world_model(&m);
	s = open_raw(RAW_BYTES);
	CHECK(store_keeps_raw(s));
	fill(s, &m, BASE, BASE + 100 * SEC);
	same(s, &m, BASE, BASE + 100 * SEC);
	same(s, &m, BASE + 20 * SEC, BASE + 50 * SEC);
	ask(s, BASE + 100 * SEC, BASE + 200 * SEC, &none);
	CHECK_EQ(none.windows, 0);
	/* a restart keeps them, and goes on */
	store_free(s);
	s = open_raw(RAW_BYTES);
	fill(s, &m, BASE + 100 * SEC, BASE + 200 * SEC);
	same(s, &m, BASE, BASE + 200 * SEC);
	history_counters(s, &c);
	CHECK_EQ(c.raw_oldest, BASE);
	CHECK_EQ(c.raw_newest, BASE + 200 * SEC);
	CHECK(c.raw_bytes > 0 && c.raw_bytes < c.bytes);
	CHECK(store_raw_covers(s, BASE, BASE + 10 * SEC, NULL));
	/* nothing was recorded before */
	CHECK(store_raw_covers(s, BASE - 1, BASE + 10 * SEC, NULL));
	CHECK(!store_raw_covers(s, BASE + 200 * SEC, BASE + 210 * SEC, NULL));
	/* and the tiers know nothing of them */
	world_ask(s, BASE, BASE + 180 * SEC, 10 * SEC, &got, NULL);
	memset(&want, 0, sizeof(want));
	for (uint64_t t = BASE; t < BASE + 180 * SEC; t += 10 * SEC) {
		struct window *w = world_window(&m, t, 10 * SEC);

		world_sum(&want, w);
		window_unref(w);
	}
	world_same(&got, &want);
	store_free(s);
	model_unref(m.m);
	world_end();
}

/* Killed between a window and its samples, or they could not be written. */
TEST(a_window_whose_samples_are_missing_is)
{
	struct world_model m;
	struct store *s;

	world_begin();
	world_model(&m);
	s = open_raw(RAW_BYTES);
	fill(s, &m, BASE, BASE + 30 * SEC);
	world_clock = BASE + 40 * SEC;
	CHECK_EQ(store_add(s, world_window(&m, BASE + 30 * SEC, 10 * SEC)), 0);
	fill(s, &m, BASE + 40 * SEC, BASE + 60 * SEC);
	CHECK(store_raw_covers(s, BASE, BASE + 30 * SEC, NULL));
	CHECK(!store_raw_covers(s, BASE, BASE + 31 * SEC, NULL));
	CHECK(!store_raw_covers(s, BASE + 20 * SEC, BASE + 60 * SEC, NULL));
	CHECK(store_raw_covers(s, BASE + 40 * SEC, BASE + 60 * SEC, NULL));
	store_free(s);
	model_unref(m.m);
	world_end();
}

/*
 * Asked for as soon as it is closed, a window is not on disk yet, and an answer from
 * those that are would be without it.
 */
TEST(a_window_that_waits_for_the_writer_is_waited_for)
{
	struct world_model m;
	struct store *s;
	uint64_t t;
	int at_once = 0;

	world_begin();
	world_model(&m);
	s = open_raw(RAW_BYTES);
	fill(s, &m, BASE, BASE + 30 * SEC);
	for (t = BASE + 30 * SEC; t < BASE + 230 * SEC; t += 10 * SEC) {
		struct raw_sums got, want;

		truth(&m, t, t + 10 * SEC, &want);
		world_clock = t + 10 * SEC;
		CHECK_EQ(store_add(s, raw_window(&m, t)), 0);
		if (!store_raw_covers(s, t - 10 * SEC, t + 10 * SEC, NULL))
			continue;
		at_once++;
		ask(s, t, t + 10 * SEC, &got);
		CHECK_EQ(got.samples, want.samples);
		CHECK(got.samples);
	}
	printf("# %d of 20 at once\n", at_once);
	CHECK(at_once >= 10);
	store_free(s);
	model_unref(m.m);
	world_end();
}

/* A scrape ends a window early: the ten has two, and one of them may lack its samples. */
TEST(half_of_a_ten_is_not_all_of_it)
{
	struct world_model m;
	struct window *w;
	struct store *s;

	for (int whole = 0; whole < 2; whole++) {
		world_begin();
		world_model(&m);
		s = open_raw(RAW_BYTES);
		fill(s, &m, BASE, BASE + 10 * SEC);
		for (uint64_t t = BASE + 10 * SEC; t < BASE + 20 * SEC; t += 5 * SEC) {
			w = whole || t == BASE + 10 * SEC ? raw_window(&m, t)
							  : world_window(&m, t, 5 * SEC);
			w->end = w->start + 5 * SEC;
			for (uint32_t i = 0; i < w->n_events; i++)
				w->events[i].us /= 2;
			world_clock = t + 5 * SEC;
			CHECK_EQ(store_add(s, w), 0);
		}
		store_sync(s);
		CHECK(store_raw_covers(s, BASE, BASE + 10 * SEC, NULL));
		CHECK_EQ(store_raw_covers(s, BASE, BASE + 20 * SEC, NULL), whole);
		store_free(s);
		model_unref(m.m);
		world_end();
	}
}

/* A host that idled for ten seconds, or a daemon that had just started. */
TEST(a_window_without_samples_is_not_missing)
{
	struct world_model m;
	struct window *w;
	struct store *s;

	world_begin();
	world_model(&m);
	s = open_raw(RAW_BYTES);
	w = world_window(&m, BASE, 10 * SEC);
	w->n_entries = 0;
	w->samples = w->weight = 0;
	world_clock = BASE + 10 * SEC;
	CHECK_EQ(store_add(s, w), 0);
	fill(s, &m, BASE + 10 * SEC, BASE + 60 * SEC);
	CHECK(store_raw_covers(s, BASE, BASE + 60 * SEC, NULL));
	CHECK(store_raw_covers(s, BASE + 5 * SEC, BASE + 15 * SEC, NULL));
	same(s, &m, BASE + 10 * SEC, BASE + 60 * SEC);
	store_free(s);
	model_unref(m.m);
	world_end();
}

TEST(the_cap_is_kept_and_the_oldest_go)
{
	struct history_counters c;
	struct history_config cfg;
	struct world_model m;
	struct raw_sums got;
	uint64_t most = 0;
	struct store *s;

	world_begin();
	world_model(&m);
	s = open_raw(RAW_BYTES);
	for (uint64_t t = BASE; t < BASE + 3000 * SEC; t += 200 * SEC) {
		fill(s, &m, t, t + 200 * SEC);
		history_counters(s, &c);
		most = c.raw_bytes > most ? c.raw_bytes : most;
	}
	printf("# at most %llu of %llu bytes, %llu files gone\n", (unsigned long long)most,
	       (unsigned long long)c.raw_max_bytes, (unsigned long long)c.dropped_raw);
	CHECK_EQ(c.raw_max_bytes, RAW_BYTES);
	CHECK(most > RAW_BYTES / 2 && most <= RAW_BYTES);
	CHECK(c.dropped_raw > 0);
	CHECK_EQ(c.dropped_by_budget, 0);
	CHECK_EQ(c.windows_lost, 0);
	ask(s, 0, UINT64_MAX, &got);
	CHECK(got.from > BASE);
	CHECK_EQ(got.from, c.raw_oldest);
	CHECK_EQ(got.to, BASE + 3000 * SEC);
	/* without a hole up to now */
	CHECK_EQ(got.windows, (got.to - got.from) / (10 * SEC));
	same(s, &m, got.from, got.to);
	/* switched off: they go */
	cfg = world_config(1ULL << 30);
	store_limit_history(s, &cfg);
	CHECK(!store_keeps_raw(s));
	fill(s, &m, BASE + 3000 * SEC, BASE + 3020 * SEC);
	history_counters(s, &c);
	CHECK_EQ(c.raw_bytes, 0);
	store_free(s);
	model_unref(m.m);
	world_end();
}

static void spoil(const char *name, bool torn)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", world_dir, name);
	fd = open(path, O_WRONLY);
	CHECK(fd >= 0);
	if (torn)
		CHECK_EQ(ftruncate(fd, 3000), 0);
	else
		CHECK_EQ(pwrite(fd, "no sample is in here at all", 27, 0), 27);
	close(fd);
}

TEST(a_torn_file_is_set_aside_and_the_rest_serves)
{
	for (int torn = 0; torn < 2; torn++) {
		struct history_counters c;
		struct world_sums got;
		struct world_model m;
		struct raw_sums raw;
		struct store *s;

		world_begin();
		world_model(&m);
		s = open_raw(RAW_BYTES);
		fill(s, &m, BASE, BASE + 100 * SEC);
		store_free(s);
		spoil("raw-20241004-0.rph", torn);
		s = open_raw(RAW_BYTES);
		history_counters(s, &c);
		CHECK_EQ(c.refused, 1);
		fill(s, &m, BASE + 100 * SEC, BASE + 200 * SEC);
		same(s, &m, BASE + 100 * SEC, BASE + 200 * SEC);
		ask(s, BASE, BASE + 100 * SEC, &raw);
		CHECK_EQ(raw.samples, 0);
		world_ask(s, BASE, BASE + 100 * SEC, 10 * SEC, &got, NULL);
		CHECK_EQ(got.windows, 10);
		store_free(s);
		model_unref(m.m);
		world_end();
	}
}

TEST(a_small_budget_has_none)
{
	struct store *s;

	world_begin();
	s = world_open(1, 4 << 20);
	CHECK(!store_keeps_raw(s));
	store_free(s);
	world_end();
}

/* ---- views ---- */

static struct selector *parse(const char *text)
{
	struct selector *sel;
	char err[256];

	if (selector_parse(&sel, text, err, sizeof(err)))
		TAP_FAIL("%s", err);
	return sel;
}

static struct series *line(struct store *st, struct series_ask ask, const char *selector)
{
	const struct query_env env = { .store = st };
	struct selector *sel = parse(selector);
	struct series *s = NULL;

	CHECK_EQ(query_series(&env, &ask, sel, NULL, &s), 0);
	selector_free(sel);
	return s;
}

TEST(time_lines_finer_than_windows)
{
	static const char *const by[] = { "cpu", "tid" };
	struct series_ask ask = { .from = BASE + 12 * SEC,
				  .to = BASE + 14 * SEC,
				  .step = 50 * NSEC_PER_MSEC };
	struct world_model m;
	struct series *s;
	struct store *st;
	uint64_t sum = 0;

	world_begin();
	world_model(&m);
	st = open_raw(RAW_BYTES);
	fill(st, &m, BASE, BASE + 60 * SEC);
	s = line(st, ask, "");
	CHECK(s->raw);
	CHECK_EQ(s->n_points, 40);
	for (uint32_t i = 0; i < s->n_points; i++) {
		uint64_t t = ask.from + i * ask.step;

		CHECK_EQ(s->samples[i], count(&m, t, t + ask.step, 0, -1));
		CHECK_EQ(s->covered[i], ask.step);
	}
	series_free(s);
	s = line(st, ask, "{tid=\"102\",cpu=\"3\"}");
	for (uint32_t i = 0; i < s->n_points; i++)
		sum += s->samples[i];
	CHECK_EQ(sum, count(&m, ask.from, ask.to, 102, 3));
	CHECK(sum > 0);
	series_free(s);
	ask.group_by = by;
	ask.n_group_by = 2;
	s = line(st, ask, "");
	CHECK(s->n_groups > 4 && s->n_groups <= 20);
	for (uint32_t i = 0; i < s->n_groups; i++)
		CHECK_EQ(s->groups[i].total_samples,
			 count(&m, ask.from, ask.to, atoi(s->groups[i].values[1]),
			       atoi(s->groups[i].values[0])));
	series_free(s);
	/* a sample of 10 ms stands for ten steps of one, not for ten CPUs in one */
	s = line(st, (struct series_ask){ .from = ask.from, .to = ask.to, .step = NSEC_PER_MSEC },
		 "{tid=\"102\",cpu=\"3\"}");
	for (uint32_t i = 0; i < s->n_points; i++) {
		uint64_t t = ask.from + i * NSEC_PER_MSEC;

		CHECK(s->weight[i] <=
		      NSEC_PER_MSEC * count(&m, t, t + 12 * NSEC_PER_MSEC, 102, 3) + 10);
	}
	series_free(s);
	/* all of it: what the windows hold, to the ns */
	s = line(st, (struct series_ask){ .from = BASE, .to = BASE + 60 * SEC, .step = SEC }, "");
	CHECK(s->raw);
	sum = s->total;
	series_free(s);
	s = line(st, (struct series_ask){ .from = BASE, .to = BASE + 60 * SEC, .step = 10 * SEC },
		 "");
	CHECK(!s->raw);
	CHECK_EQ(sum, s->total);
	series_free(s);
	s = line(st, (struct series_ask){ .from = ask.from, .to = ask.to, .max_points = 300 }, "");
	CHECK(s->raw);
	CHECK_EQ(s->step, 10 * NSEC_PER_MSEC);
	CHECK(s->n_points <= 300);
	series_free(s);
	/* where some are missing, windows are all there is */
	store_free(st);
	spoil("raw-20241004-0.rph", true);
	st = open_raw(RAW_BYTES);
	fill(st, &m, BASE + 60 * SEC, BASE + 80 * SEC);
	ask.to = BASE + 70 * SEC;
	s = line(st, ask, "");
	CHECK(!s->raw);
	CHECK_EQ(s->step, SEC);
	series_free(s);
	store_free(st);
	model_unref(m.m);
	world_end();
}

static int take_text(void *arg, const void *p, size_t n)
{
	struct buf *b = arg;

	buf_append(b, p, n);
	return b->err;
}

TEST(perf_script_has_true_times)
{
	uint64_t from = BASE + 12 * SEC, to = BASE + 31 * SEC, n = 0, last = 0;
	struct query_input in = { .from = from, .to = to };
	const struct symbols_config cfg = { .max_bytes = 1 << 20 };
	struct symbols *symbols = symbols_new(&cfg, NULL);
	struct selector *sel = parse("");
	struct world_model m;
	struct buf b = { 0 };
	struct store *st;

	world_begin();
	world_model(&m);
	st = open_raw(RAW_BYTES);
	fill(st, &m, BASE, BASE + 60 * SEC);
	CHECK_EQ(export_perf_script(&(struct query_env){ .store = st, .symbols = symbols }, &in,
				    sel, NULL, (struct sink){ take_text, &b }),
		 0);
	buf_append(&b, "", 1);
	for (char *p = b.data; (p = strstr(p, "cpu-clock:\n")); p++) {
		unsigned long long sec, ns;
		unsigned int cpu;
		char *line = p;
		int pid, tid;

		while (line > b.data && line[-1] != '\n')
			line--;
		CHECK_EQ(sscanf(line, "%*s %d/%d [%u] %llu.%llu:", &pid, &tid, &cpu, &sec, &ns), 5);
		CHECK(pid >= 100 && pid == tid && cpu < 4);
		CHECK(sec * SEC + ns >= last);
		last = sec * SEC + ns;
		CHECK(last >= from && last < to);
		n++;
	}
	CHECK_EQ(n, count(&m, from, to, 0, -1));
	/* of the three windows: what a reader of events cannot see */
	n = 0;
	for (char *p = b.data; (p = strstr(p, "\n# [lost: ")); p++)
		n++;
	CHECK_EQ(n + !strncmp(b.data, "# [lost: ", 9), 3);
	CHECK(strstr(b.data, " samples, "));
	buf_free(&b);
	symbols_free(symbols);
	selector_free(sel);
	store_free(st);
	model_unref(m.m);
	world_end();
}

int main(void)
{
	return tap_main();
}
