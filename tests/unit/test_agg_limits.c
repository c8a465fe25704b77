// SPDX-License-Identifier: GPL-2.0
/* Labels, statistics, and what happens at each limit. */
#include <errno.h>

#include "tap.h"
#include "test_agg_fakes.h"
#include "test_random.h"

#define SEC 1000000000ULL
#define T0  (100 * SEC)

static const char *label(const struct model_series *s, const char *key)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (!strcmp(s->labels[i].key, key))
			return s->labels[i].value;
	return NULL;
}

static const struct model_series *series_of(const struct window *w, uint32_t entry)
{
	uint32_t proc = model_thread(w->model, w->entries[entry].thread)->proc;

	return model_series(w->model, model_proc(w->model, proc)->series);
}

static struct window_list all_windows(struct world *w)
{
	struct window_list l;

	agg_flush(w->a, T0 + 3600 * SEC);
	CHECK_EQ(store_range_mono(w->store, 0, UINT64_MAX, &l), 0);
	return l;
}

TEST(labels_are_sorted_and_empty_ones_left_out)
{
	static const char *const external[][2] = { { "zone", "z1" },
						   { "env", "test" },
						   { "service_name", "never" },
						   { "host", "never" },
						   { "empty", "" } };
	struct agg_config cfg = { .host = "h1", .external = external, .n_external = 5 };
	struct world w;
	struct window_list l;
	const struct model_series *s;

	world_make(&w, &cfg);
	w.t->procs[2].labels = (struct process_labels){ .comm = "naked", .unit = "a.service" };
	w.t->procs[3].labels = (struct process_labels){ 0 };
	send(&w, T0, 1, 0, 0x400300);
	send(&w, T0, 2, 0, 0x400304);
	send(&w, T0, 3, 0, 0x400308);
	l = all_windows(&w);
	CHECK_EQ(l.n > 0 ? l.w[0]->n_entries : 0, 3);
	for (uint32_t i = 0; i < 3; i++) {
		s = series_of(l.w[0], i);
		for (uint32_t k = 1; k < s->n; k++)
			CHECK(strcmp(s->labels[k - 1].key, s->labels[k].key) < 0);
		CHECK_STR(label(s, "host"), "h1");
		CHECK_STR(label(s, "zone"), "z1");
		CHECK(!label(s, "empty") && !label(s, "container_id"));
	}
	s = series_of(l.w[0], 0);
	CHECK_STR(label(s, "service_name"), "db");
	CHECK_STR(label(s, "exe"), "/bin/app");
	CHECK_EQ(s->n, 7);
	s = series_of(l.w[0], 1);
	CHECK_STR(label(s, "service_name"), "naked");
	CHECK_STR(label(s, "unit"), "a.service");
	CHECK_STR(label(series_of(l.w[0], 2), "service_name"), "unknown");
	window_list_free(&l);
	world_free(&w);
}

TEST(more_labels_than_fit_keep_the_process_ones)
{
	static const char *external[40][2];
	static char keys[40][8];
	struct agg_config cfg = { .host = "h1", .external = external, .n_external = 40 };
	struct agg_counters c;
	struct world w;
	struct window_list l;

	for (int i = 0; i < 40; i++) {
		snprintf(keys[i], sizeof(keys[i]), "a%02u", (unsigned int)i % 100);
		external[i][0] = keys[i];
		external[i][1] = "v";
	}
	world_make(&w, &cfg);
	send(&w, T0, 1, 0, 0x400300);
	l = all_windows(&w);
	CHECK_EQ(series_of(l.w[0], 0)->n, MODEL_MAX_LABELS);
	CHECK_STR(label(series_of(l.w[0], 0), "service_name"), "db");
	/* of 41 fixed labels 9 found no place, and 4 more beside the process's own */
	agg_counters(w.a, &c);
	CHECK_EQ(c.labels_full, 13);
	window_list_free(&l);
	world_free(&w);
}

TEST(past_max_series_comes_other)
{
	struct agg_config cfg = { .max_series = 3, .host = "h1" };
	static char names[FAKE_PIDS][16];
	struct world w;
	struct window_list l;
	uint32_t counts[6], others = 0;
	struct agg_counters c;

	world_make(&w, &cfg);
	for (int i = 0; i < 20; i++) {
		snprintf(names[i], sizeof(names[i]), "s%d", i);
		w.t->procs[i].labels.service_name = names[i];
		send(&w, T0, i, 0, 0x400300);
	}
	agg_counters(w.a, &c);
	CHECK_EQ(c.series_other, 18);
	model_counts(w.a->model, counts);
	CHECK_EQ(counts[3], 3);
	l = all_windows(&w);
	CHECK_EQ(l.w[0]->n_entries, 20);
	for (uint32_t i = 0; i < 20; i++)
		others += !strcmp(label(series_of(l.w[0], i), "service_name"), "other");
	CHECK_EQ(others, 18);
	window_list_free(&l);
	world_free(&w);
}

/* Leaves say whose they are: those of process p are 0x400300 + 12 * n + 4 * (p - 1). */
static bool leaf_is_of(const struct model *m, uint32_t stack, int32_t pid)
{
	const struct model_frame *f = model_frame(m, model_stack(m, stack)->frame);

	return (int32_t)((f->off - 0x1300) / 4 % 3) + 1 == pid;
}

/* Every number in the window is one of its own model. */
static void check_numbers(const struct window *w)
{
	for (uint32_t k = 0; k < w->n_entries; k++) {
		const struct model_thread *t = model_thread(w->model, w->entries[k].thread);
		const struct model_proc *p = model_proc(w->model, t->proc);
		char text[256];

		stack_text(w->model, w->entries[k].stack, text, sizeof(text));
		CHECK(!strncmp(text, "[ringprof]+c;/bin/app+", 22));
		CHECK_EQ(t->tid, p->pid);
		CHECK(leaf_is_of(w->model, w->entries[k].stack, p->pid));
	}
}

TEST(a_full_model_ends_the_window_early)
{
	struct agg_config cfg = { .max_model_bytes = 300 << 10, .host = "h1" };
	struct world w;
	struct window_list l;
	struct agg_counters c;
	uint64_t samples = 0;
	uint32_t models = 0;

	/* new leaves and, every other time, a known one; all within one window of 10 s */
	world_make(&w, &cfg);
	for (uint64_t i = 0; i < 50000; i++) {
		uint64_t n = i % 2 ? i / 3 : 0, pid = i % 3;

		send(&w, T0 + i * 1000, 1 + (int)pid, 0, 0x400300 + 12 * n + 4 * pid);
		CHECK(model_bytes(w.a->model) < (300 << 10) * 2);
	}
	agg_counters(w.a, &c);
	CHECK(c.early_ends > 3);
	CHECK(c.cache_hits > 20000);
	CHECK_EQ(c.models, c.early_ends + 1);
	CHECK_EQ(c.no_memory, 0);
	l = all_windows(&w);
	for (size_t i = 0; i < l.n; i++) {
		samples += l.w[i]->samples;
		models += !i || l.w[i]->model != l.w[i - 1]->model;
		CHECK(!i || l.w[i]->start == l.w[i - 1]->end);
		check_numbers(l.w[i]);
	}
	CHECK_EQ(samples, 50000);
	CHECK(models > 3);
	CHECK(fake_file_refs > 3);
	window_list_free(&l);
	world_free(&w);
	CHECK_EQ(fake_file_refs, 0);
}

static bool in_order(const struct window_entry *a, const struct window_entry *b)
{
	if (a->stack != b->stack)
		return a->stack < b->stack;
	if (a->thread != b->thread)
		return a->thread < b->thread;
	return a->cpu != b->cpu ? a->cpu < b->cpu : a->flags < b->flags;
}

TEST(windows_are_sorted_by_all_of_the_key)
{
	/* stacks apart in each digit of the sort, and one that many threads have */
	static const uint32_t stacks[] = { 0, 1, 1023, 1024, 1 << 20, 1 << 29, 3, 3, 3, 3 };
	struct model *m = model_new();
	struct accum acc = { 0 };
	__u64 seed = 1;
	struct window *w;

	for (int i = 0; i < 5000; i++) {
		struct window_entry key = { .stack = stacks[next_random(&seed) % 10] +
						     (uint32_t)(next_random(&seed) % 3),
					    .thread = (uint32_t)(next_random(&seed) % 100),
					    .cpu = (uint16_t)(next_random(&seed) % 4),
					    .flags = (uint16_t)(next_random(&seed) % 2) };

		CHECK_EQ(accum_add(&acc, &key, 1, 0), 0);
	}
	w = accum_window(&acc, m);
	CHECK(w->n_entries > 2000);
	for (uint32_t i = 1; i < w->n_entries; i++)
		CHECK(in_order(&w->entries[i - 1], &w->entries[i]));
	window_unref(w);
	accum_free(&acc);
	model_unref(m);
}

TEST(accumulator_limit_and_shrinking)
{
	struct accum acc = { 0 };
	struct window_entry key = { 0 };
	struct model *m = model_new();
	struct window *w;
	uint32_t cap;

	for (uint32_t i = 0; i < ACCUM_MAX_ENTRIES; i++) {
		key.stack = ACCUM_MAX_ENTRIES - i;
		CHECK_EQ(accum_add(&acc, &key, 3, 0), 0);
	}
	key.stack = ACCUM_MAX_ENTRIES + 1;
	CHECK_EQ(accum_add(&acc, &key, 3, 0), -ENOSPC);
	key.stack = 1;
	CHECK_EQ(accum_add(&acc, &key, 3, 0), 0);
	w = accum_window(&acc, m);
	CHECK_EQ(w->n_entries, ACCUM_MAX_ENTRIES);
	CHECK_EQ(w->entries[0].stack, 1);
	CHECK_EQ(w->entries[0].count, 2);
	CHECK_EQ(w->entries[0].weight, 6);
	CHECK_EQ(w->samples, ACCUM_MAX_ENTRIES + 1);
	CHECK_EQ(w->entries[ACCUM_MAX_ENTRIES - 1].stack, ACCUM_MAX_ENTRIES);
	window_unref(w);
	cap = acc.cap;
	accum_reset(&acc);
	CHECK_EQ(acc.cap, cap);
	for (int i = 0; i < 20; i++)
		accum_reset(&acc);
	CHECK(acc.cap <= 1024);
	CHECK_EQ(accum_add(&acc, &key, 1, 0), 0);
	CHECK_EQ(acc.n, 1);
	accum_free(&acc);
	model_unref(m);
}

/* Entries are sorted when the window closes: events must follow theirs. */
TEST(events_keep_their_entries)
{
	struct accum acc = { .keep_events = true };
	struct model *m = model_new();
	struct window_event *v;
	struct window *w;
	uint32_t n;

	for (uint32_t i = 0; i < 5000; i++) {
		struct window_entry key = { .stack = i * 7919 % 1000, .thread = i % 3 };

		CHECK_EQ(accum_add(&acc, &key, 3, (uint64_t)key.stack * 4000 + key.thread * 1000),
			 0);
	}
	w = accum_window(&acc, m);
	v = window_take_events(w, &n);
	CHECK_EQ(n, 5000);
	for (uint32_t i = 0; i < n; i++) {
		const struct window_entry *e = &w->entries[v[i].entry];

		CHECK_EQ(v[i].us, e->stack * 4 + e->thread);
	}
	free(v);
	CHECK(!window_take_events(w, &n));
	window_unref(w);
	accum_reset(&acc);
	acc.keep_events = false;
	CHECK_EQ(accum_add(&acc, &(struct window_entry){ 0 }, 3, 1), 0);
	w = accum_window(&acc, m);
	CHECK(!w->events);
	window_unref(w);
	accum_free(&acc);
	model_unref(m);
}

TEST(services_add_up_by_mode)
{
	struct world w;
	struct agg_service s[8];
	size_t n;

	world_make(&w, NULL);
	for (int i = 0; i < 12; i++) {
		send(&w, T0, i, 0, 0x400300);
		send(&w, T0, i, 0, FAKE_KERNEL);
		send(&w, T0, i, 0, FAKE_KERNEL + 1);
	}
	n = agg_services(w.a, s, ARRAY_SIZE(s));
	CHECK_EQ(n, 4);
	for (size_t i = 0; i < n; i++) {
		CHECK_EQ(s[i].samples, 9);
		CHECK_EQ(s[i].user_ns, 30);
		CHECK_EQ(s[i].kernel_ns, 60);
	}
	CHECK_STR(s[0].service_name, "web");
	CHECK_EQ(agg_services(w.a, s, 2), 2);
	world_free(&w);
}

/* Rows without processes make room: what they had stays in the sum. */
TEST(services_that_are_gone_make_room)
{
	struct world w;
	static struct agg_service s[AGG_MAX_SERVICES];
	struct agg_counters c;
	static char name[16];
	uint64_t samples = 0, newest = 0, first = 0;
	size_t n;

	world_make(&w, NULL);
	w.t->procs[1].labels.service_name = name;
	for (uint64_t i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "n%u", (unsigned int)i);
		w.t->procs[1].labels_gen++;
		send(&w, T0 + i, 1, 0, 0x400300);
		send(&w, T0 + i, 2, 0, 0x400300);
	}
	n = agg_services(w.a, s, ARRAY_SIZE(s));
	CHECK_EQ(n, AGG_MAX_SERVICES);
	for (size_t i = 0; i < n; i++) {
		samples += s[i].samples;
		newest += strcmp(s[i].service_name, "n1999") ? 0 : s[i].samples;
		first += !strcmp(s[i].service_name, "n0");
		/* one that has a process keeps its row */
		CHECK(s[i].samples == 1 || !i || s[i].samples == 2000);
	}
	CHECK_EQ(samples, 4000);
	CHECK_EQ(newest, 1);
	CHECK_EQ(first, 0);
	agg_counters(w.a, &c);
	CHECK_EQ(c.services_reused, 2001 - (AGG_MAX_SERVICES - 1));
	CHECK_STR(s[0].service_name, "other");
	CHECK_EQ(s[0].samples, c.services_reused);
	world_free(&w);
}

TEST(names_kept_for_ever_have_a_limit)
{
	struct world w;
	static char name[4096];
	struct agg_counters c;

	world_make(&w, NULL);
	memset(name, 'x', sizeof(name) - 1);
	w.t->procs[1].labels.exe = name;
	for (uint64_t i = 0; i < 4000; i++) {
		snprintf(name, 8, "%07u", (unsigned int)i);
		name[7] = 'x';
		w.t->procs[1].labels_gen++;
		send(&w, T0 + i, 1, 0, 0x400300);
	}
	agg_counters(w.a, &c);
	CHECK(c.names_full > 0);
	CHECK(strtab_bytes(w.a->names) < AGG_NAME_BYTES + (1 << 20));
	CHECK_EQ(c.samples, 4000);
	world_free(&w);
}

TEST(processes_heaviest_first)
{
	struct world w;
	struct agg_process p[8];

	world_make(&w, NULL);
	for (int i = 1; i <= 5; i++)
		for (int k = 0; k < i; k++)
			send(&w, T0, i, 0, 0x400300);
	send(&w, T0, 5, fake_chain(w.chains, RINGPROF_END_KTHREAD, NULL, 0), FAKE_KERNEL);
	CHECK_EQ(agg_processes(w.a, p, ARRAY_SIZE(p)), 5);
	CHECK_EQ(p[0].pid, 5);
	CHECK_EQ(p[0].samples, 6);
	CHECK_EQ(p[0].ns, 60);
	CHECK_EQ(p[0].ends[0], 1);
	CHECK_EQ(p[0].ends[RINGPROF_END_NO_REGS], 5);
	CHECK_STR(p[0].comm, "app");
	CHECK_STR(p[0].exe, "/bin/app");
	CHECK_STR(p[0].service_name, "db");
	CHECK_EQ(p[4].pid, 1);
	agg_process_freed(w.a, &w.t->procs[5]);
	agg_process_freed(w.a, &w.t->procs[1]);
	CHECK_EQ(agg_processes(w.a, p, 2), 2);
	CHECK_EQ(p[0].pid, 4);
	CHECK_EQ(agg_processes(w.a, p, ARRAY_SIZE(p)), 3);
	/* it comes back as another process */
	send(&w, T0, 5, 0, 0x400300);
	CHECK_EQ(agg_processes(w.a, p, ARRAY_SIZE(p)), 4);
	CHECK_EQ(p[3].samples, 1);
	world_free(&w);
}

TEST(side_band_goes_to_the_process_table)
{
	struct world w;
	struct event ev = { .type = EV_COMM, .time = T0 };

	world_make(&w, NULL);
	agg_event(w.a, &ev);
	CHECK_EQ(w.t->events, 1);
	CHECK_EQ(w.a->c.samples, 0);
	world_free(&w);
}

TEST(cache_sets_keep_what_is_used)
{
	struct cache c;

	CHECK_EQ(cache_init(&c, 1), 0);
	cache_put(&c, 1, 6, 5)->stack = 7;
	for (uint32_t i = 0; i < 1000; i++) {
		cache_put(&c, 1, 100 + i, 5)->stack = i;
		CHECK_EQ(cache_find(&c, 1, 100 + i, 5)->stack, i);
		/* used in between: never pushed out by the passing ones */
		CHECK_EQ(cache_find(&c, 1, 6, 5)->stack, 7);
		CHECK(!cache_find(&c, 2, 6, 5));
		CHECK(!cache_find(&c, 1, 6, 4));
	}
	cache_free(&c);
}

int main(void)
{
	return tap_main();
}
