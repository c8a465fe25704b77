// SPDX-License-Identifier: GPL-2.0
/*
 * Fails the Nth allocation of aggregator, model and store, for N = 1, 2, ...
 * until a run needs fewer; once alone, once with all that follow. Whatever
 * fails, no sample may be unaccounted for: it is in a window or a named loss.
 * The code under test is included so that its allocations can be reached.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/clock.h"
#include "tap.h"
#include "test_agg_fakes.h"

static uint64_t allocations, fail_at;
static bool fail_on;

static bool fails(void)
{
	allocations++;
	return fail_at && (fail_on ? allocations >= fail_at : allocations == fail_at);
}

#define malloc(n)     (fails() ? NULL : malloc(n))
#define calloc(n, m)  (fails() ? NULL : calloc(n, m))
#define realloc(p, n) (fails() ? NULL : realloc(p, n))

#include "daemon/base/array.c"
#include "daemon/base/hmap.c"
#include "daemon/base/strtab.c"
#include "daemon/base/table.c"
#include "daemon/agg/model.c"
#include "daemon/agg/window.c"
#include "daemon/agg/accum.c"
#include "daemon/agg/cache.c"
#include "daemon/agg/stats.c"
#include "daemon/agg/labels.c"
#include "daemon/agg/loss.c"
#include "daemon/agg/normalize.c"
#include "daemon/agg/timeline.c"
#include "daemon/agg/agg.c"
#define append append_to_store
#include "daemon/store/store.c"

#define SEC	  NSEC_PER_SEC
#define T0	  (100 * SEC)
#define N_SAMPLES 1500U

static bool make(struct world *w)
{
	struct agg_config cfg = { .max_model_bytes = 300 << 10, .host = "h1" };
	struct store_config sc = { .max_age = 3600 * SEC, .max_bytes = 64 << 20 };

	memset(w, 0, sizeof(*w));
	w->t = fake_ptable();
	w->chains = chains_new(64 << 20);
	allocations = 0;
	w->store = store_new(&sc);
	w->a = w->store ? agg_new(&cfg, w->chains, &w->symbols, w->store) : NULL;
	if (!w->a)
		return false;
	w->a->read_wall_offset = fake_wall_offset;
	agg_set_ptable(w->a, w->t);
	return true;
}

static void drop(struct world *w)
{
	fail_at = 0;
	if (w->a) {
		world_free(w);
		return;
	}
	store_free(w->store);
	chains_free(w->chains);
	free(w->t);
}

static void work(struct world *w)
{
	struct agg_process procs[8];

	for (uint64_t i = 0; i < N_SAMPLES; i++) {
		uint64_t addr[3] = { FAKE_START + 8, 0x400400 + i % 100 * 8, 0x7f0000000100 };
		uint32_t chain = fake_chain(w->chains, RINGPROF_END_FP_ZERO, addr, i % 4);

		send(w, T0 + i * 20000000, 1 + (int)(i % 7), chain, 0x401000 + i * 32);
		if (i % 300 == 0)
			(void)agg_cut(w->a, T0 + i * 20000000 + SEC);
		if (i % 500 == 0)
			agg_process_freed(w->a, &w->t->procs[1 + i % 7]);
	}
	agg_processes(w->a, procs, ARRAY_SIZE(procs));
	agg_flush(w->a, T0 + 3600 * SEC);
}

static uint64_t accounted(struct world *w)
{
	const struct accum *acc = &w->a->acc;
	uint64_t n = acc->samples + acc->loss_count[ACCUM_OUTCOMES + LOST_MEMORY];
	struct window_list l;

	fail_at = 0;
	CHECK_EQ(store_range_mono(w->store, 0, UINT64_MAX, &l), 0);
	for (size_t i = 0; i < l.n; i++) {
		uint64_t sum = 0;

		for (uint32_t k = 0; k < l.w[i]->n_entries; k++)
			sum += l.w[i]->entries[k].count;
		CHECK_EQ(sum, l.w[i]->samples);
		n += sum;
		for (uint32_t k = 0; k < l.w[i]->n_losses; k++)
			n += l.w[i]->losses[k].count;
	}
	window_list_free(&l);
	return n;
}

/* The run with the nth allocation failing; true: it was not that many. */
static bool run(uint64_t nth)
{
	struct world w;
	bool made, enough;

	fail_at = nth;
	made = make(&w);
	if (made) {
		work(&w);
		enough = allocations < nth;
		CHECK_EQ(accounted(&w), N_SAMPLES);
		CHECK(!enough || !w.a->c.no_memory);
	} else {
		enough = false;
	}
	drop(&w);
	CHECK_EQ(fake_file_refs, 0);
	return enough;
}

TEST(no_allocation_at_all_fails)
{
	CHECK(run(UINT64_MAX));
	printf("# %llu allocations\n", (unsigned long long)allocations);
	CHECK(allocations > 50);
}

TEST(one_allocation_fails)
{
	uint64_t n = 1;

	fail_on = false;
	while (!run(n))
		n++;
	CHECK(n > 50);
}

TEST(all_allocations_fail_from_some_point)
{
	uint64_t n = 1;

	fail_on = true;
	while (!run(n))
		n += 1 + n / 40;
	CHECK(n > 50);
}

int main(void)
{
	return tap_main();
}
