/* SPDX-License-Identifier: GPL-2.0 */
/* A store with a history in a directory of its own, made-up windows, and what they must add up to. */
#ifndef RINGPROF_TEST_STORE_WORLD_H
#define RINGPROF_TEST_STORE_WORLD_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/store.h"
#include "tap.h"

#define SEC  NSEC_PER_SEC
#define DAY  (86400 * SEC)
#define BASE (20000 * DAY) /* midnight */

static const char *world_host = "here";
static bool world_all_hosts; /* what is asked for is of imported ranges, too */
static uint64_t world_clock = BASE;
static char world_dir[] = "/tmp/test_store.XXXXXX";
static uint64_t world_names_asked;
static bool world_nameless;	 /* nobody knows a name yet */
static bool world_unsettled;	 /* nobody can make it readable yet */
static bool world_tells;	 /* kernel addresses are kept as they may be told */
static uint64_t world_least_age; /* of every tier: what is older stays, too */

static inline uint64_t world_now(void)
{
	return world_clock;
}

static inline void world_name(void *arg, const struct model_object *o, uint64_t off,
			      struct sym_answer *ret, bool *has_vaddr, uint64_t *vaddr)
{
	/* pins are copied by who asks for them, beside the writer */
	static __thread char names[4096][32];

	__atomic_fetch_add(&world_names_asked, 1, __ATOMIC_RELAXED);
	*has_vaddr = false;
	if (world_nameless)
		return;
	snprintf(names[off % 4096], 32, world_unsettled ? "_Z2fnILi%uEEvv" : "fn_%u",
		 (unsigned int)off);
	ret->n = 1;
	ret->named = o->kind == FRAME_USER;
	ret->unsettled = world_unsettled;
	ret->lines[0] = (struct sym_line){ .name = names[off % 4096],
					   .system_name = names[off % 4096],
					   .file = "a.c",
					   .line = (uint32_t)off + 3,
					   .start_line = (uint32_t)off };
	*has_vaddr = o->kind == FRAME_USER;
	*vaddr = off + 0x1000;
}

#define WORLD_TOLD 0x81000000

static inline uint64_t world_tell(void *arg, const struct model_object *o, uint64_t off)
{
	CHECK_EQ(o->kind, FRAME_KERNEL);
	return off + WORLD_TOLD;
}

static inline struct history_config world_config(uint64_t bytes)
{
	struct history_config c = { .dir = world_dir,
				    .host = world_host,
				    .max_bytes = bytes,
				    .max_age = { 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY },
				    .now = world_now,
				    .name = world_name,
				    .tell = world_tells ? world_tell : NULL };

	for (int i = 0; i < 4; i++)
		if (c.max_age[i] < world_least_age)
			c.max_age[i] = world_least_age;
	return c;
}

/* memory: bytes of windows kept there; small enough, and all but the last come from disk */
static inline struct store *world_open(size_t memory, uint64_t bytes)
{
	struct store *s =
		store_new(&(struct store_config){ .max_age = 3600 * SEC, .max_bytes = memory });
	struct history_config c = world_config(bytes);
	char err[256] = "";
	int r = store_open_history(s, &c, err, sizeof(err));

	if (r)
		TAP_FAIL("store_open_history: %d %s", r, err);
	return s;
}

static inline void world_begin(void)
{
	snprintf(world_dir, sizeof(world_dir), "/tmp/test_store.XXXXXX");
	if (!mkdtemp(world_dir))
		TAP_FAIL("mkdtemp");
	world_clock = BASE;
}

static inline void world_end(void)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", world_dir);
	if (system(cmd))
		TAP_FAIL("%s", cmd);
}

/* ---- windows ---- */

#define WORLD_SERVICES 5
#define WORLD_STACKS   40

struct world_model {
	struct model *m;
	uint32_t stacks[WORLD_STACKS], threads[WORLD_SERVICES];
};

static inline void world_model(struct world_model *w)
{
	uint32_t app, kernel;

	w->m = model_new();
	app = model_add_object(w->m, FRAME_USER, NULL, "/bin/app", "c0ffee");
	kernel = model_add_object(w->m, FRAME_KERNEL, NULL, "[kernel.kallsyms]", "");
	for (uint32_t i = 0; i < WORLD_STACKS; i++) {
		uint32_t root = model_add_stack(w->m, 0, model_add_frame(w->m, app, 0x100));
		uint32_t up =
			model_add_stack(w->m, root, model_add_frame(w->m, app, 0x200 + i / 4));

		w->stacks[i] = model_add_stack(
			w->m, up, model_add_frame(w->m, i % 5 ? app : kernel, 0x1000 + i));
	}
	for (uint32_t i = 0; i < WORLD_SERVICES; i++) {
		char name[16];
		struct model_series s = {
			.n = 2, .labels = { { "host", world_host }, { "service_name", name } }
		};
		struct model_proc p = { .pid = 100 + (int)i, .comm = "app", .exe = "/bin/app" };

		snprintf(name, sizeof(name), "svc%u", i);
		p.series = model_add_series(w->m, &s);
		w->threads[i] = model_add_thread(w->m, model_add_proc(w->m, &p), 100 + (int)i);
	}
}

static inline uint32_t world_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* [wall, wall + len): about 30 entries, decided by wall alone */
static inline struct window *world_window(struct world_model *m, uint64_t wall, uint64_t len)
{
	struct window *w = calloc(1, sizeof(*w));
	uint32_t seed = (uint32_t)(wall / SEC) * 7 + 1;

	w->refs = 1;
	w->model = model_ref(m->m);
	w->start = wall - BASE + 1000 * SEC;
	w->end = w->start + len;
	w->wall_start = wall;
	w->period = 10000000;
	w->cpus = 4;
	w->idle = world_random(&seed) % 100;
	w->entries = calloc(30, sizeof(*w->entries));
	w->losses = calloc(1, sizeof(*w->losses));
	w->n_losses = 1;
	w->losses[0] =
		(struct window_loss){ .mark = MARK_LOST + 3, .count = 2, .weight = 20000000 };
	for (; w->n_entries < 30; w->n_entries++) {
		struct window_entry *e = &w->entries[w->n_entries];
		uint32_t i = world_random(&seed) % WORLD_STACKS;

		e->stack = m->stacks[i];
		e->thread = m->threads[world_random(&seed) % WORLD_SERVICES];
		e->cpu = (uint16_t)(world_random(&seed) % 4);
		e->flags = i % 5 ? 0 : ENTRY_KERNEL;
		e->count = 1 + world_random(&seed) % 9;
		e->weight = e->count * w->period + (world_random(&seed) % 10 ? 0 : 5);
		w->samples += e->count;
		w->weight += e->weight;
	}
	return w;
}

/* Of so many stacks that were never seen before, a sample each: some 5 KB on disk of 300. */
static inline struct window *world_fat_window(struct world_model *m, uint64_t wall, uint32_t n)
{
	struct window *w = world_window(m, wall, 10 * SEC);
	uint32_t seed = (uint32_t)(wall / SEC);

	free(w->entries);
	w->entries = calloc(n, sizeof(*w->entries));
	w->samples = w->weight = 0;
	for (w->n_entries = 0; w->n_entries < n; w->n_entries++) {
		struct window_entry *e = &w->entries[w->n_entries];
		uint64_t off = 0x10000 + ((uint64_t)world_random(&seed) << 20) + w->n_entries;

		e->stack = model_add_stack(m->m, m->stacks[0], model_add_frame(m->m, 0, off));
		e->thread = m->threads[w->n_entries % WORLD_SERVICES];
		e->count = 1;
		e->weight = w->period;
		w->samples++;
		w->weight += w->period;
	}
	return w;
}

/* Adds windows of 10 s over [from, to); every seventh is cut in two. */
static inline void world_fill(struct store *s, struct world_model *m, uint64_t from, uint64_t to)
{
	for (uint64_t t = from; t < to; t += 10 * SEC) {
		uint64_t cut = t / (10 * SEC) % 7 ? 10 * SEC : 4 * SEC;

		world_clock = t + 10 * SEC;
		CHECK_EQ(store_add(s, world_window(m, t, cut)), 0);
		if (cut < 10 * SEC)
			CHECK_EQ(store_add(s, world_window(m, t + cut, 10 * SEC - cut)), 0);
		/* the queue is for a writer that falls behind, not for tests */
		if (t / (10 * SEC) % 16 == 0)
			store_sync(s);
	}
	store_sync(s);
}

/* ---- sums ---- */

struct world_sums {
	uint64_t samples, weight, kernel, lost, idle, duration, windows;
	uint64_t by_service[WORLD_SERVICES], by_stack[WORLD_STACKS];
	uint64_t from, to, longest;
	bool disordered;
};

static inline void world_count(struct world_sums *t, const struct window *w)
{
	for (uint32_t i = 0; i < w->n_entries; i++) {
		const struct window_entry *e = &w->entries[i];
		const struct model_frame *f =
			model_frame(w->model, model_stack(w->model, e->stack)->frame);
		const struct model_proc *p =
			model_proc(w->model, model_thread(w->model, e->thread)->proc);
		const struct model_series *s = model_series(w->model, p->series);

		t->samples += e->count;
		t->weight += e->weight;
		t->kernel += e->flags & ENTRY_KERNEL ? e->count : 0;
		if (f->off >= 0x1000 && f->off < 0x1000 + WORLD_STACKS)
			t->by_stack[f->off - 0x1000] += e->count;
		for (uint32_t k = 0; k < s->n; k++)
			if (!strcmp(s->labels[k].key, "service_name"))
				t->by_service[atoi(s->labels[k].value + 3) % WORLD_SERVICES] +=
					e->weight;
	}
}

static inline int world_sum(void *arg, struct window *w)
{
	struct world_sums *t = arg;

	world_count(t, w);
	t->disordered = t->disordered || w->wall_start < t->to;
	t->idle += w->idle;
	t->duration += w->end - w->start;
	t->windows++;
	for (uint32_t i = 0; i < w->n_losses; i++)
		t->lost += w->losses[i].count;
	if (!t->from)
		t->from = w->wall_start;
	t->to = w->wall_start + (w->end - w->start);
	if (w->end - w->start > t->longest)
		t->longest = w->end - w->start;
	return 0;
}

/* What the windows that world_fill makes of [from, to) add up to. */
static inline void world_truth(struct world_model *m, uint64_t from, uint64_t to,
			       struct world_sums *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint64_t t = from; t < to; t += 10 * SEC) {
		uint64_t cut = t / (10 * SEC) % 7 ? 10 * SEC : 4 * SEC;
		struct window *w = world_window(m, t, cut);

		world_sum(ret, w);
		window_unref(w);
		if (cut == 10 * SEC)
			continue;
		w = world_window(m, t + cut, 10 * SEC - cut);
		world_sum(ret, w);
		window_unref(w);
	}
}

static inline void world_same(const struct world_sums *a, const struct world_sums *b)
{
	CHECK_EQ(a->samples, b->samples);
	CHECK_EQ(a->weight, b->weight);
	CHECK_EQ(a->kernel, b->kernel);
	CHECK_EQ(a->lost, b->lost);
	CHECK_EQ(a->idle, b->idle);
	CHECK_EQ(a->duration, b->duration);
	for (int i = 0; i < WORLD_SERVICES; i++)
		CHECK_EQ(a->by_service[i], b->by_service[i]);
	for (int i = 0; i < WORLD_STACKS; i++)
		CHECK_EQ(a->by_stack[i], b->by_stack[i]);
}

static inline void world_ask(struct store *s, uint64_t from, uint64_t to, uint64_t step,
			     struct world_sums *ret, struct store_used *used)
{
	struct store_ask ask = {
		.from = from, .to = to, .step = step, .all_hosts = world_all_hosts
	};

	memset(ret, 0, sizeof(*ret));
	CHECK_EQ(store_feed(s, &ask, world_sum, ret, used), 0);
	CHECK(!ret->disordered);
}

static inline uint64_t world_dir_bytes(void)
{
	DIR *d = opendir(world_dir);
	uint64_t n = 0;
	struct dirent *e;
	char path[512];
	struct stat st;

	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%.255s", world_dir, e->d_name);
		if (!stat(path, &st) && S_ISREG(st.st_mode))
			n += (uint64_t)st.st_size;
	}
	if (d)
		closedir(d);
	return n;
}

#endif
