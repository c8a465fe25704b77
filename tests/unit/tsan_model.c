// SPDX-License-Identifier: GPL-2.0
/*
 * One collector, several readers, under ThreadSanitizer: what windows refer to
 * is read without a lock while the model grows; cuts, waits and statistics are
 * asked for while samples come in. Also checked: every window that a reader
 * finds is complete and names only what it should.
 */
#include <pthread.h>
#include <time.h>

#include "tap.h"
#include "test_agg_fakes.h"

#define SEC	  1000000000ULL
#define T0	  (100 * SEC)
#define N_SAMPLES 60000U
#define N_READERS 3

static struct world w;
static int stop;				 /* atomic */
static uint64_t now_ns, seen_windows, seen_cuts; /* atomic */

static bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

/* False: the window's numbers lead somewhere wrong. */
static bool good_window(const struct window *win)
{
	uint64_t sum = 0;
	uint32_t counts[6];

	model_counts(win->model, counts);
	for (uint32_t k = 0; k < win->n_entries; k++) {
		const struct window_entry *e = &win->entries[k];
		const struct model_thread *t = model_thread(win->model, e->thread);
		const struct model_proc *p = model_proc(win->model, t->proc);
		char text[512];

		if (e->stack >= counts[2] || t->tid != p->pid || strcmp(p->comm, "app"))
			return false;
		if (model_series(win->model, p->series)->n < 3)
			return false;
		stack_text(win->model, e->stack, text, sizeof(text));
		if (strncmp(text, "/bin/app+1017", 13))
			return false;
		sum += e->count;
	}
	return sum == win->samples;
}

static void *reader(void *arg)
{
	intptr_t bad = 0;

	while (!stopped()) {
		struct timespec pause = { .tv_nsec = 2000000 };
		struct window_list l;
		struct store_counters sc;
		uint64_t closed = agg_closed(w.a);

		if (store_range_mono(w.store, closed > SEC ? closed - SEC : 0, UINT64_MAX, &l))
			continue;
		for (size_t i = 0; i < l.n; i++)
			bad += !good_window(l.w[i]);
		__atomic_add_fetch(&seen_windows, l.n, __ATOMIC_RELAXED);
		window_list_free(&l);
		store_counters(w.store, &sc);
		nanosleep(&pause, NULL);
	}
	return (void *)bad;
}

static void *asker(void *arg)
{
	intptr_t bad = 0;

	while (!stopped()) {
		struct agg_service s[8];
		struct agg_process p[FAKE_PIDS];
		struct agg_counters c;
		struct timespec pause = { .tv_nsec = 1000000 };
		/* far enough ahead of the collector to be taken mostly */
		uint64_t t = __atomic_load_n(&now_ns, __ATOMIC_RELAXED) + 200000000;

		if (!agg_cut(w.a, t) && !agg_wait(w.a, t, 100000000)) {
			bad += agg_closed(w.a) < t;
			__atomic_add_fetch(&seen_cuts, 1, __ATOMIC_RELAXED);
		}
		for (size_t i = agg_services(w.a, s, ARRAY_SIZE(s)); i-- > 0;)
			bad += !*s[i].service_name;
		for (size_t i = agg_processes(w.a, p, ARRAY_SIZE(p)); i-- > 0;)
			bad += p[i].samples && strcmp(p[i].comm, "app");
		agg_counters(w.a, &c);
		bad += c.no_memory != 0;
		nanosleep(&pause, NULL);
	}
	return (void *)bad;
}

static void collect(void)
{
	for (uint64_t i = 0; i < N_SAMPLES; i++) {
		uint64_t addr[3] = { FAKE_START + 8, 0x400400 + i % 1000 * 8, 0x7f0000000100 };
		uint32_t chain = fake_chain(w.chains, RINGPROF_END_FP_ZERO, addr, 1 + i % 3);
		int pid = 1 + (int)(i % 9);

		__atomic_store_n(&now_ns, T0 + i * 1000000, __ATOMIC_RELAXED);
		send(&w, T0 + i * 1000000, pid, chain, 0x402000 + i % 3000 * 4);
		if (i % 1000 == 0) {
			agg_advance(w.a, T0 + i * 1000000 + 1, NULL, NULL);
			agg_process_freed(w.a, &w.t->procs[pid]);
		}
		if (i % 700 == 0)
			w.t->procs[pid].labels_gen++;
		if (i % 5000 == 0)
			nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
}

TEST(readers_while_the_model_grows)
{
	struct agg_config cfg = { .max_model_bytes = 300 << 10, .host = "h1" };
	pthread_t th[N_READERS + 1];
	uint64_t sum = 0;
	struct window_list l;
	void *bad;

	world_make(&w, &cfg);
	for (int i = 0; i <= N_READERS; i++)
		CHECK_EQ(pthread_create(&th[i], NULL, i ? reader : asker, NULL), 0);
	collect();
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i <= N_READERS; i++) {
		CHECK_EQ(pthread_join(th[i], &bad), 0);
		CHECK_EQ((intptr_t)bad, 0);
	}
	agg_flush(w.a, T0 + N_SAMPLES * 1000000ULL);
	CHECK_EQ(store_range_mono(w.store, 0, UINT64_MAX, &l), 0);
	for (size_t i = 0; i < l.n; i++)
		sum += l.w[i]->samples;
	window_list_free(&l);
	CHECK_EQ(sum, N_SAMPLES);
	printf("# %llu windows read, %llu cuts waited for, %llu models\n",
	       (unsigned long long)seen_windows, (unsigned long long)seen_cuts,
	       (unsigned long long)w.a->c.models);
	CHECK(seen_windows > 10 && seen_cuts > 5 && w.a->c.models > 1);
	world_free(&w);
}

int main(void)
{
	return tap_main();
}
