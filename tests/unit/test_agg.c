// SPDX-License-Identifier: GPL-2.0
/*
 * What samples become: stacks, their ends, labels, sums. Run with "cost N" it
 * adds N samples whose stacks are known, for an instruction count:
 *
 *	valgrind --tool=callgrind --toggle-collect=agg_event PROGRAM cost 100000
 */
#include "tap.h"
#include "test_agg_stacks.h"

TEST(frames_look_up_callers_one_byte_before)
{
	check_stack(RINGPROF_END_FP_ZERO, CHAIN(FAKE_START + 8, 0x400100, 0x7f0000000200),
		    0x7f0000000300,
		    "/bin/app+1017;/bin/app+10ff;/lib/libc.so+1ff;/lib/libc.so+300");
}

TEST(user_pc_below_kernel_is_exact)
{
	/* the same address as a caller and as what a system call interrupted */
	check_stack(RINGPROF_END_FP_ZERO,
		    CHAIN(FAKE_START + 8, 0x400100, 0x400100, FAKE_KERNEL + 0x10),
		    FAKE_KERNEL + 0x20,
		    "/bin/app+1017;/bin/app+10ff;/bin/app+1100;"
		    "[kernel.kallsyms]+ffffffff8100000f;[kernel.kallsyms]+ffffffff81000020");
	check_stack(RINGPROF_END_FP_ZERO, CHAIN(FAKE_START + 8, 0x400100), FAKE_KERNEL,
		    "/bin/app+1017;/bin/app+1100;[kernel.kallsyms]+ffffffff81000000");
}

TEST(frames_of_every_kind)
{
	check_stack(RINGPROF_END_FP_ZERO,
		    CHAIN(FAKE_START + 8, 0x10000010, 0x20000010, 0x600010, 0x7fff00000010), 0x1234,
		    "/bin/app+1017;[anon]+1000000f;/memfd:jit+2000000f;/gone+200f;[vdso]+f;"
		    "[unknown]+1234");
}

TEST(the_vdso_of_a_32_bit_process_has_no_names_of_ours)
{
	struct world w;
	uint32_t kinds[2] = { 0 }, n[6];

	world_make(&w, NULL);
	send(&w, T0, 1, fake_chain(w.chains, RINGPROF_END_ROOT, NULL, 0), 0x7fff00000010);
	send(&w, T0, 1, fake_chain(w.chains, RINGPROF_END_ROOT, NULL, 0), 0xf7fc0010);
	model_counts(w.a->model, n);
	for (uint32_t i = 0; i < n[0]; i++) {
		const struct model_object *o = model_object(w.a->model, i);

		if (!strcmp(o->name, "[vdso]"))
			kinds[o->kind == FRAME_VDSO]++;
	}
	CHECK(kinds[0] == 1 && kinds[1] == 1);
	world_free(&w);
}

TEST(hostile_chains)
{
	struct world w;
	uint32_t id;

	/* an end mark as leaf, and in the middle: an unknown address like any other */
	check_stack(RINGPROF_END_NONE, CHAIN(RINGPROF_END_MARK | 3), RINGPROF_END_MARK | 1,
		    "[unknown]+8000000000000002;[unknown]+8000000000000001");
	check_stack(RINGPROF_END_NONE, CHAIN(0), 0, "[unknown]+0;[unknown]+0");
	world_make(&w, NULL);
	send(&w, T0, 1, 0, 0x400300);		  /* no chain */
	send(&w, T0, 1, 12345678, 0x400300);	  /* no such chain */
	id = chain_intern(w.chains, 0, 0x400200); /* no end mark */
	send(&w, T0, 1, id, 0x400300);
	id = 0;
	for (uint64_t i = 0; i < 5000; i++) {
		uint32_t next = chain_intern(w.chains, id, 0x400000 + i);

		if (next == CHAIN_NONE)
			break;
		id = next;
	}
	send(&w, T0, 1, id, 0x400300);
	CHECK_EQ(w.a->c.samples, 4);
	CHECK_EQ(w.a->c.stacks_truncated[RINGPROF_END_NO_REGS] +
			 w.a->c.stacks_truncated[RINGPROF_END_DEPTH],
		 4);
	world_free(&w);
}

TEST(cache_follows_mappings_chains_and_names)
{
	struct world w;
	struct window_list l;
	uint32_t id;
	struct mapping moved = fake_maps[0];
	struct agg_counters c;

	world_make(&w, NULL);
	id = fake_chain(w.chains, RINGPROF_END_FP_ZERO, CHAIN(FAKE_START + 8));
	for (uint64_t i = 0; i < 10; i++)
		send(&w, T0 + i, 1, id, 0x400300);
	agg_counters(w.a, &c);
	CHECK_EQ(c.cache_hits, 9);
	/* another file offset at the same place */
	moved.pgoff = 0x9000;
	w.t->procs[1].maps = &moved;
	w.t->procs[1].n_maps = 1;
	w.t->procs[1].gen++;
	send(&w, T0 + 10, 1, id, 0x400300);
	/* ids of the chain table mean something else */
	chains_reset(w.chains);
	id = fake_chain(w.chains, RINGPROF_END_FAULT, CHAIN(0x400200));
	send(&w, T0 + 11, 1, id, 0x400300);
	/* an exec: another name, another model_proc */
	w.t->procs[1].labels.service_name = "new";
	w.t->procs[1].labels_gen++;
	send(&w, T0 + 12, 1, id, 0x400300);
	agg_flush(w.a, T0 + SEC);
	agg_counters(w.a, &c);
	CHECK_EQ(c.cache_hits, 9);
	CHECK_EQ(store_range_mono(w.store, 0, UINT64_MAX, &l), 0);
	CHECK_EQ(l.n, 1);
	CHECK_EQ(l.w[0]->n_entries, 4);
	for (uint32_t i = 0, news = 0; i < 4; i++) {
		const struct window_entry *e = &l.w[0]->entries[i];
		const struct model *m = l.w[0]->model;
		uint32_t proc = model_thread(m, e->thread)->proc;
		const struct model_series *s = model_series(m, model_proc(m, proc)->series);

		news += !strcmp(s->labels[s->n - 2].value, "new");
		CHECK(i < 3 || news == 1);
	}
	window_list_free(&l);
	world_free(&w);
}

/* ---- random events against sums made by hand ---- */

#define N_CHAINS 40
#define N_KEYS	 200000

struct expect {
	char key[512];
	uint64_t count, weight;
};

struct brute {
	struct world w;
	struct {
		uint64_t addr[8];
		uint32_t n, end, id;
	} chains[N_CHAINS];
	struct expect *want, *got;
	size_t n_want, n_got;
	uint64_t rnd;
};

static uint32_t rnd(struct brute *b, uint32_t n)
{
	b->rnd = b->rnd * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(b->rnd >> 33) % n;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct expect *)a)->key, ((const struct expect *)b)->key);
}

/* Adds rows with equal keys up; gives how many are left. */
static size_t merge(struct expect *e, size_t n)
{
	size_t out = 0;

	qsort(e, n, sizeof(*e), by_key);
	for (size_t i = 0; i < n; i++) {
		if (out && !strcmp(e[out - 1].key, e[i].key)) {
			e[out - 1].count += e[i].count;
			e[out - 1].weight += e[i].weight;
		} else {
			e[out++] = e[i];
		}
	}
	return out;
}

static void make_chains(struct brute *b)
{
	static const uint64_t bases[] = { 0x400100, 0x7f0000000000, 0x10000000, 0x20000000 };

	for (int i = 0; i < N_CHAINS; i++) {
		uint32_t n = 1 + rnd(b, 7);

		b->chains[i].n = n;
		b->chains[i].end = rnd(b, 2) ? RINGPROF_END_FP_ZERO : RINGPROF_END_FAULT;
		b->chains[i].addr[0] = rnd(b, 2) ? FAKE_START + 8 : 0x400200;
		for (uint32_t k = 1; k < n; k++)
			b->chains[i].addr[k] = bases[rnd(b, 4)] + 16 * (1 + rnd(b, 3));
		if (n > 3 && rnd(b, 2))
			b->chains[i].addr[n - 1] = FAKE_KERNEL + 16 * (1 + rnd(b, 3));
		b->chains[i].id = fake_chain(b->w.chains, b->chains[i].end, b->chains[i].addr, n);
	}
}

/* What an address is called, worked out without the aggregator. */
static void name_of(uint64_t addr, bool exact, char *out, size_t len)
{
	static const struct {
		uint64_t lo, hi, sub;
		const char *name;
	} places[] = {
		{ 0x400000, 0x500000, 0x3ff000, "/bin/app" },
		{ 0x10000000, 0x10010000, 0, "[anon]" },
		{ 0x20000000, 0x20010000, 0, "/memfd:jit" },
		{ 0x7f0000000000, 0x7f0000100000, 0x7f0000000000, "/lib/libc.so" },
		{ FAKE_KERNEL, UINT64_MAX, 0, "[kernel.kallsyms]" },
	};

	addr -= !exact;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (addr >= places[i].lo && addr < places[i].hi)
			snprintf(out, len, ";%s+%llx", places[i].name,
				 (unsigned long long)(addr - places[i].sub));
}

static void expect_sample(struct brute *b, const struct event *ev, int chain)
{
	struct expect *e = &b->want[b->n_want++];
	bool whole = b->chains[chain].addr[0] == FAKE_START + 8;
	uint32_t n = b->chains[chain].n;

	snprintf(e->key, sizeof(e->key), "%d/%d cpu%u %u ", ev->pid, ev->tid, ev->cpu,
		 ev->sample.flags);
	if (!whole)
		snprintf(e->key + strlen(e->key), 64, ";[ringprof]+%x", b->chains[chain].end);
	for (uint32_t i = 0; i <= n; i++) {
		uint64_t addr = i < n ? b->chains[chain].addr[i] : ev->sample.leaf;
		uint64_t next = i + 1 < n ? b->chains[chain].addr[i + 1] : ev->sample.leaf;
		bool exact = i == n || (!(addr >> 63) && next >> 63);

		name_of(addr, exact, e->key + strlen(e->key), 64);
	}
	e->count = 1;
	e->weight = ev->sample.weight;
}

static void random_sample(struct brute *b, uint64_t time)
{
	int chain = (int)rnd(b, N_CHAINS);
	bool kernel = rnd(b, 4) == 0 || b->chains[chain].addr[b->chains[chain].n - 1] >> 63;
	struct event ev = {
		.time = time,
		.type = EV_SAMPLE,
		.cpu = rnd(b, 4),
		.pid = 1 + (int)rnd(b, 5),
		.sample = { .chain = b->chains[chain].id, .weight = 100 + rnd(b, 5) },
	};

	ev.tid = ev.pid + (int)rnd(b, 3);
	ev.sample.leaf = kernel ? FAKE_KERNEL + 64 * rnd(b, 4) : 0x400400 + 4 * rnd(b, 4);
	ev.sample.flags = kernel ? RINGPROF_SAMPLE_KERNEL : 0;
	expect_sample(b, &ev, chain);
	agg_event(b->w.a, &ev);
}

static void take_windows(struct brute *b)
{
	struct window_list l;

	CHECK_EQ(store_range_mono(b->w.store, 0, UINT64_MAX, &l), 0);
	for (size_t i = 0; i < l.n; i++) {
		const struct window *w = l.w[i];

		for (uint32_t k = 0; k < w->n_entries; k++) {
			const struct window_entry *e = &w->entries[k];
			const struct model_thread *t = model_thread(w->model, e->thread);
			struct expect *g = &b->got[b->n_got++];

			CHECK(!k || w->entries[k - 1].stack <= e->stack);
			snprintf(g->key, sizeof(g->key), "%d/%d cpu%u %u ;",
				 model_proc(w->model, t->proc)->pid, t->tid, e->cpu, e->flags);
			stack_text(w->model, e->stack, g->key + strlen(g->key), 400);
			g->count = e->count;
			g->weight = e->weight;
		}
	}
	window_list_free(&l);
}

TEST(random_events_sum_up)
{
	struct agg_config cfg = { .max_model_bytes = 300 << 10, .host = "h1" };
	struct brute b = { .rnd = 4711 };

	world_make(&b.w, &cfg);
	b.want = calloc(N_KEYS, sizeof(*b.want));
	b.got = calloc(N_KEYS, sizeof(*b.got));
	make_chains(&b);
	for (uint64_t i = 0; i < 30000; i++) {
		/* 90 s, so windows close; now and then a mapping or the chain table changes */
		random_sample(&b, T0 + i * 3000000);
		if (i % 1000 == 999)
			b.w.t->procs[1 + rnd(&b, 5)].gen++;
		if (i == 15000) {
			chains_reset(b.w.chains);
			make_chains(&b);
		}
	}
	agg_flush(b.w.a, T0 + 100 * SEC);
	take_windows(&b);
	CHECK_EQ(b.w.a->c.samples, 30000);
	CHECK(b.w.a->c.windows >= 9);
	b.n_want = merge(b.want, b.n_want);
	b.n_got = merge(b.got, b.n_got);
	CHECK(b.n_want > 1000);
	CHECK_EQ(b.n_got, b.n_want);
	for (size_t i = 0; i < b.n_want; i++) {
		CHECK_STR(b.got[i].key, b.want[i].key);
		CHECK_EQ(b.got[i].count, b.want[i].count);
		CHECK_EQ(b.got[i].weight, b.want[i].weight);
	}
	world_free(&b.w);
	free(b.want);
	free(b.got);
}

static int cost(uint64_t n)
{
	struct world w;
	uint32_t ids[64];

	world_make(&w, NULL);
	for (uint64_t i = 0; i < 64; i++) {
		uint64_t addr[20] = { FAKE_START + 8 };

		for (uint64_t k = 1; k < 20; k++)
			addr[k] = 0x400100 + 16 * (i * k % 97);
		ids[i] = fake_chain(w.chains, RINGPROF_END_FP_ZERO, addr, 20);
	}
	/* 64 chains of 20 callers, 4 leaves each, 8 processes: 2048 stacks */
	for (uint64_t i = 0; i < n; i++)
		send(&w, T0 + i * 1000, (int)(i / 256 % 8), ids[i % 64], 0x400400 + i / 64 % 4 * 8);
	agg_flush(w.a, T0 + n * 1000);
	printf("%llu samples, %llu hits, %llu windows\n", (unsigned long long)w.a->c.samples,
	       (unsigned long long)w.a->c.cache_hits, (unsigned long long)w.a->c.windows);
	world_free(&w);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "cost"))
		return cost(strtoull(argv[2], NULL, 10));
	return tap_main();
}
