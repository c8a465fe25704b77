// SPDX-License-Identifier: GPL-2.0
/*
 * What a sample costs the daemon, from the module's ring to the closed window.
 * Usage: daemon_of steady | mixed: prints "samples N nodes N bytes N hits N"; to
 * be run by tests/bench/daemon, under callgrind, which counts what happens in
 * measured().
 *
 * The module's own emitter (kmod/emit.c) writes the ring, a file in memory that
 * is laid out as the device's mappings are; the daemon's own parts read it:
 * decoder, chain table, process table, unwinder, aggregator, store. Processes are
 * real, their mappings too; chains are DEPTH frames deep. `steady` is a host that
 * does the same all day: all chains and most leaves are known. `mixed` looks
 * like a build machine in what it costs: popular call chains and rare ones, leaf
 * addresses all over a function, and so many chains never seen before that a
 * sample takes as many new nodes, and as seldom finds its stack known, as with
 * tests/workloads/mixed (bytes a sample and ringprof_stack_cache_hits_total).
 *
 * A process is looked at again 2, 6, 14, 30, 62 s after its first sample and ever
 * more seldom (LOOK_FIRST_NS), which costs about 4,000 instructions: the measured
 * seconds lie between two such looks. Measured from 30 s on, where one comes in now
 * and then, the sum differed by 1.5 % from run to run.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "agg/agg.h"
#include "agg/unwinder.h"
#include "base/clock.h"
#include "base/memory.h"
#include "kmod/emit.c"
#include "kmod/trie.c"
#include "ringprof/period.h"
#include "source/kmod_ring.h"
#include "tests/unit/test_random.h"

#define PAGE	     4096
#define SIZE	     (8U << 20)
#define NODES	     (1U << 16)
#define PROCESSES    64
#define DEPTH	     22
#define CHAINS	     1000
#define SITES	     8192
#define RATE	     999
#define WARM_SECONDS 34
#define SECONDS	     24
#define MAX_RANGES   256

struct range {
	uint64_t start, end;
};

struct load {
	const char *name;
	uint32_t leaves; /* addresses in a function that are sampled */
	uint32_t fresh;	 /* percent of the samples: a chain that branches off somewhere */
};

static const struct load loads[] = { { "steady", 8, 0 }, { "mixed", 512, 45 } };

struct bench {
	const struct load *load;
	/* the module's side */
	struct rp_stream stream;
	struct ringprof_ring_head *head;
	void *trie_mem;
	struct range code[MAX_RANGES]; /* that every process maps */
	unsigned int n_code;
	__u64 site[SITES];		/* return addresses */
	__u64 chain[CHAINS][DEPTH + 1]; /* leaf side first, end mark last */
	pid_t pid[PROCESSES];
	__u64 seed;
	uint64_t now;
	/* the daemon's */
	struct source src;
	struct kmod_ring ring;
	struct files *files;
	struct symbols *symbols;
	struct store *store;
	struct ptable *ptable;
	struct unwinder *unwinder;
	struct agg *agg;
};

static void die(const char *what)
{
	fprintf(stderr, "daemon_of: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint32_t upto(struct bench *b, uint32_t n)
{
	return (uint32_t)(next_random(&b->seed) % n);
}

/* Processes that map what we do, and do nothing. */
static void make_processes(struct bench *b)
{
	for (unsigned int i = 0; i < PROCESSES; i++) {
		b->pid[i] = fork();
		if (b->pid[i] < 0)
			die("fork");
		if (!b->pid[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
			_exit(0);
		}
	}
}

static void find_code(struct bench *b)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512], perms[8], path[256];
	struct range r;

	if (!f)
		die("/proc/self/maps");
	while (b->n_code < MAX_RANGES && fgets(line, sizeof(line), f)) {
		unsigned long start, end;

		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &start, &end, perms, path) == 4 &&
		    perms[2] == 'x' && path[0] == '/') {
			r = (struct range){ start, end };
			b->code[b->n_code++] = r;
		}
	}
	fclose(f);
}

/* Three quarters of all calls are in one file, the program or its largest library. */
static void find_sites(struct bench *b)
{
	unsigned int main_file = 0;

	for (unsigned int i = 1; i < b->n_code; i++)
		if (b->code[i].end - b->code[i].start >
		    b->code[main_file].end - b->code[main_file].start)
			main_file = i;
	for (unsigned int i = 0; i < SITES; i++) {
		const struct range *r = &b->code[i % 4 ? main_file : upto(b, b->n_code)];

		b->site[i] = r->start + 1 + next_random(&b->seed) % (r->end - r->start - 1);
	}
}

/* Some are much more popular than others. */
static uint32_t popular(struct bench *b, uint32_t n)
{
	return upto(b, 1 + upto(b, 1 + upto(b, n)));
}

static uint64_t some_pc(struct bench *b)
{
	return b->site[popular(b, SITES)];
}

/* Chains that share their callers, as those of one program do: each branches off an earlier one. */
static void make_chains(struct bench *b)
{
	for (unsigned int i = 0; i < CHAINS; i++) {
		unsigned int own = i ? 1 + upto(b, DEPTH / 2) : DEPTH;

		if (i)
			memcpy(b->chain[i], b->chain[upto(b, i)], sizeof(b->chain[i]));
		for (unsigned int k = 0; k < own; k++)
			b->chain[i][k] = some_pc(b);
		b->chain[i][DEPTH] = RINGPROF_END_MARK | RINGPROF_END_ROOT;
	}
}

static void *map_file(int fd, size_t len, uint64_t at)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)at);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static int make_device(struct bench *b)
{
	int fd = memfd_create("ringprof", MFD_CLOEXEC);
	uint64_t at = RINGPROF_MMAP_HEAD_OF(0);
	struct rp_ring *r = &b->stream.ring;

	if (fd < 0 || ftruncate(fd, (off_t)(at + PAGE + 2 * SIZE)))
		die("memfd");
	r->reader = map_file(fd, PAGE, RINGPROF_MMAP_TAIL_OF(0));
	r->shared = map_file(fd, PAGE + 2 * SIZE, at);
	r->data = (unsigned char *)r->shared + PAGE;
	r->mask = SIZE - 1;
	*r->shared = (struct ringprof_ring_head){
		.magic = RINGPROF_MAGIC,
		.abi_major = RINGPROF_ABI_MAJOR,
		.abi_minor = RINGPROF_ABI_MINOR,
		.header_size = sizeof(*r->shared),
		.clock = CLOCK_MONOTONIC,
		.data_size = SIZE,
		.outcomes = __RINGPROF_OUT_MAX,
		.attach_epoch = 1,
	};
	b->head = r->shared;
	b->trie_mem = calloc(1, rp_trie_bytes(NODES));
	if (!b->trie_mem)
		die("trie");
	rp_trie_init(&b->stream.trie, b->trie_mem, NODES, b->seed, 1);
	b->stream.weight = NSEC_PER_SEC / RATE;
	b->stream.unit = RINGPROF_UNIT_NS;
	return fd;
}

/* The device's data is mapped twice in a row; a file cannot be: the other half by hand. */
static void mirror(struct bench *b, uint64_t from)
{
	unsigned char *data = b->stream.ring.data;

	for (uint64_t pos = from; pos < b->stream.ring.head; pos++) {
		unsigned char byte = data[(from & (SIZE - 1)) + (pos - from)];

		data[pos & (SIZE - 1)] = byte;
		data[(pos & (SIZE - 1)) + SIZE] = byte;
	}
}

static void emit(struct bench *b)
{
	__u64 chain[DEPTH + 1], from = b->stream.ring.head;
	uint32_t which = popular(b, CHAINS), pid = (uint32_t)b->pid[which % PROCESSES];
	struct rp_sample x = { .time = b->now, .chain = chain, .n = DEPTH + 1, .tgid = pid };

	memcpy(chain, b->chain[which], sizeof(chain));
	/* samples lie anywhere in a function, more often in its loops */
	x.leaf = chain[0] + popular(b, b->load->leaves) * 4;
	if (upto(b, 100) < b->load->fresh)
		for (uint32_t k = 0, own = 1 + upto(b, DEPTH / 2); k < own; k++)
			chain[k] = some_pc(b);
	x.tid = pid;
	x.hash = rp_chain_hash(&b->stream.trie, chain, x.n);
	b->head->calls++;
	b->head->outcome[rp_emit(&b->stream, &x)]++;
	mirror(b, from);
	b->now += NSEC_PER_SEC / RATE;
}

static void make_daemon(struct bench *b)
{
	struct store_config sc = { .max_age = 3600 * NSEC_PER_SEC, .max_bytes = 128 << 20 };
	struct symbols_config yc = { .max_bytes = 64 << 20 };
	struct agg_config ac = { .max_model_bytes = 32 << 20, .max_series = 5000, .host = "h" };
	struct ptable_config pc = { .max_processes = 20000,
				    .max_bytes = 128 << 20,
				    .on_free = agg_process_freed };
	struct unwinder_config uc = { .tables = { .max_bytes = 128 << 20 } };

	b->files = files_new(64 << 20);
	b->symbols = symbols_new(&yc, b->files);
	b->store = store_new(&sc);
	b->src.chains = chains_new(64 << 20);
	b->agg = agg_new(&ac, b->src.chains, b->symbols, b->store);
	pc.arg = b->agg;
	b->ptable = ptable_new(&pc, b->files);
	if (!b->symbols || !b->store || !b->agg || !b->ptable)
		die("daemon");
	agg_set_ptable(b->agg, b->ptable);
	agg_set_jit(b->agg, symbols_jit(b->symbols));
	b->unwinder = unwinder_new(&uc, b->files, b->ptable);
	if (!b->unwinder || ptable_scan(b->ptable, mono_now()))
		die("processes");
	/* tables that are made: valgrind may not let their thread run in between */
	for (int i = 0; i < PROCESSES; i++)
		unwinder_prepare(b->unwinder, b->pid[i], 30 * NSEC_PER_SEC);
}

/* As the collector does with what the module's source delivers. */
static void on_event(void *arg, const struct event *ev)
{
	struct bench *b = arg;

	unwinder_sample(b->unwinder, b->src.chains, ev);
	agg_event(b->agg, ev);
}

/* A round of the collector: a second's samples. */
static void drain(struct bench *b)
{
	struct source_counters counters = { 0 };
	struct source_info info = { .hz = RATE, .period = b->stream.weight, .rows = true };

	b->src.merge.upto = 0;
	kmod_ring_note(&b->ring);
	if (merge_add(&b->src.merge, &b->ring.stream))
		die("merge");
	merge_run(&b->src.merge, b->now);
	kmod_ring_release(&b->ring);
	kmod_ring_count(&b->ring, &counters);
	agg_advance(b->agg, b->now, &counters, &info);
}

/* What callgrind counts: a function of its own, called from nowhere else. */
static __attribute__((noinline)) void measured(struct bench *b)
{
	drain(b);
	__asm__ volatile("");
}

static void run(struct bench *b, unsigned int seconds, void (*round)(struct bench *b))
{
	while (seconds--) {
		for (unsigned int i = 0; i < RATE; i++)
			emit(b);
		round(b);
	}
}

static uint64_t emitted(const struct bench *b)
{
	return b->head->outcome[RINGPROF_OUT_EMITTED];
}

int main(int argc, char **argv)
{
	static struct bench b = { .seed = 88172645463325252ULL };
	uint64_t samples, nodes, bytes;
	struct agg_counters c, before;
	char err[512] = "";
	int fd;

	for (unsigned int i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
		if (argc > 1 && !strcmp(argv[1], loads[i].name))
			b.load = &loads[i];
	if (!b.load) {
		fprintf(stderr, "usage: daemon_of steady | mixed\n");
		return 2;
	}
	memory_setup();
	find_code(&b);
	find_sites(&b);
	make_processes(&b);
	make_chains(&b);
	fd = make_device(&b);
	make_daemon(&b);
	b.src.fn = on_event;
	b.src.arg = &b;
	b.now = mono_now() + NSEC_PER_SEC;
	b.src.max_time = UINT64_MAX / 2;
	kmod_ring_init(&b.ring, &b.src, 0);
	if (kmod_ring_map(&b.ring, fd, true, NODES, err, sizeof(err)))
		die(err);
	run(&b, WARM_SECONDS, drain);
	samples = emitted(&b);
	nodes = b.head->nodes;
	bytes = b.head->bytes;
	agg_counters(b.agg, &before);
	run(&b, SECONDS, measured);
	agg_counters(b.agg, &c);
	if (c.samples - before.samples != emitted(&b) - samples)
		die("samples were lost on the way");
	printf("samples %llu nodes %llu bytes %llu hits %llu\n",
	       (unsigned long long)(emitted(&b) - samples),
	       (unsigned long long)(b.head->nodes - nodes),
	       (unsigned long long)(b.head->bytes - bytes),
	       (unsigned long long)(c.cache_hits - before.cache_hits));
	fflush(stdout);
	/* children go with us; what is left in memory goes as well */
	_exit(0);
}
