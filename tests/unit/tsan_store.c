// SPDX-License-Identifier: GPL-2.0
/*
 * The history's writer against its readers, under ThreadSanitizer: all tiers'
 * files are read while they are written by one dictionary, cut, and made anew.
 * Also checked: what a reader is told is whole windows, each of as many samples.
 */
#include <pthread.h>

#include "store/history.h"
#include "store/store_int.h"
#include "test_store_world.h"

#define WINDOWS 400
#define FAT	60

static struct store *s;
static uint64_t end = BASE;	 /* atomic: all before it is written */
static uint64_t windows_told[4]; /* by reader */
static int stop;		 /* atomic */

static bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

/* Some stacks that come again, some that never do. */
static struct window *mixed_window(struct world_model *m, uint64_t wall)
{
	struct window *w = world_fat_window(m, wall, FAT);

	for (uint32_t i = 1; i < w->n_entries; i += 2)
		w->entries[i].stack = m->stacks[i % WORLD_STACKS];
	return w;
}

struct reading {
	uint64_t windows, bad;
};

static int check(void *arg, struct window *w)
{
	struct reading *r = arg;
	uint64_t samples = 0, tens = (w->end - w->start) / (10 * SEC);
	struct sym_answer a;

	for (uint32_t i = 0; i < w->n_entries; i++) {
		const struct window_entry *e = &w->entries[i];
		const struct model_frame *f =
			model_frame(w->model, model_stack(w->model, e->stack)->frame);
		const struct model_object *o = model_object(w->model, f->object);

		samples += e->count;
		r->bad += model_thread(w->model, e->thread)->proc != e->thread;
		if (o->stored)
			r->bad += !stored_name(o->stored, f->off, &a);
	}
	r->bad += samples != tens * FAT || w->samples != samples;
	r->windows++;
	return 0;
}

static void *reader(void *arg)
{
	unsigned int tier = (unsigned int)(uintptr_t)arg;
	struct reading r = { 0 };

	while (!stopped()) {
		uint64_t to = __atomic_load_n(&end, __ATOMIC_ACQUIRE);
		/* not of memory alone */
		struct store_ask ask = { .from = BASE, .to = to, .step = history_steps[tier] };
		struct history_counters c;

		if (to == BASE)
			continue;
		if (to > BASE + 600 * SEC)
			ask.from = to - 600 * SEC;
		r.bad += store_feed(s, &ask, check, &r, NULL) != 0;
		history_counters(s, &c);
		r.bad += c.windows_lost || c.refused;
	}
	windows_told[tier] = r.windows;
	return (void *)(uintptr_t)r.bad;
}

static void *pinner(void *arg)
{
	uintptr_t bad = 0;

	while (!stopped()) {
		uint64_t to = __atomic_load_n(&end, __ATOMIC_ACQUIRE), id;
		char err[256];

		if (to < BASE + 100 * SEC)
			continue;
		if (store_pin(s, to - 100 * SEC, to, "a pin", &id, err, sizeof(err)))
			bad++;
		else
			bad += store_unpin(s, id) != 0;
	}
	return (void *)bad;
}

TEST(readers_of_files_that_are_written)
{
	struct history_config cfg = { .max_bytes = 1ULL << 30, .memory = 1 << 20 };
	struct history_counters c;
	struct world_model m;
	pthread_t th[5];
	void *bad;

	world_begin();
	world_model(&m);
	s = world_open(1, 1ULL << 30);
	/* cut now and then */
	memcpy(cfg.max_age, s->history->cfg.max_age, sizeof(cfg.max_age));
	store_limit_history(s, &cfg);
	for (uintptr_t i = 0; i < 5; i++)
		CHECK_EQ(pthread_create(&th[i], NULL, i < 4 ? reader : pinner, (void *)i), 0);
	for (uint64_t t = BASE; t < BASE + WINDOWS * 10 * SEC; t += 10 * SEC) {
		CHECK_EQ(store_add(s, mixed_window(&m, t)), 0);
		store_sync(s);
		__atomic_store_n(&end, t + 10 * SEC, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(pthread_join(th[i], &bad), 0);
		CHECK_EQ((uintptr_t)bad, 0);
	}
	history_counters(s, &c);
	CHECK_EQ(c.windows_lost, 0);
	CHECK(c.cut > 0);
	printf("# %llu files cut; %llu, %llu, %llu, %llu windows read\n", (unsigned long long)c.cut,
	       (unsigned long long)windows_told[0], (unsigned long long)windows_told[1],
	       (unsigned long long)windows_told[2], (unsigned long long)windows_told[3]);
	for (int i = 0; i < 4; i++)
		CHECK(windows_told[i] > 0);
	store_free(s);
	model_unref(m.m);
	world_end();
}

int main(void)
{
	return tap_main();
}
