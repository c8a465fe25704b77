// SPDX-License-Identifier: GPL-2.0
/*
 * Perf's side without perf: records and call chains made by hand, a ring in
 * plain memory.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include <sanitizer/asan_interface.h>

#include <linux/ringprof.h>

#include "source/perf_chain.h"
#include "source/perf_record.h"
#include "source/perf_ring.h"
#include "source/perf_user.h"
#include "tap.h"

/* ---- records ---- */

/* A record in a heap block of exactly its size. */
struct rec {
	unsigned char *p;
	uint16_t n;
};

static void put(struct rec *r, const void *p, size_t n)
{
	r->p = realloc(r->p, r->n + n);
	CHECK(r->p);
	memcpy(r->p + r->n, p, n);
	r->n = (uint16_t)(r->n + n);
}

static void put32(struct rec *r, uint32_t v)
{
	put(r, &v, sizeof(v));
}

static void put64(struct rec *r, uint64_t v)
{
	put(r, &v, sizeof(v));
}

static struct rec start(uint32_t type, uint16_t misc)
{
	struct perf_event_header h = { .type = type, .misc = misc };
	struct rec r = { 0 };

	put(&r, &h, sizeof(h));
	return r;
}

static const struct perf_event_header *end(struct rec *r)
{
	((struct perf_event_header *)r->p)->size = r->n;
	return (const void *)r->p;
}

/* What sample_id_all appends. */
static const struct perf_event_header *end_id(struct rec *r)
{
	put32(r, 100);
	put32(r, 101);
	put64(r, 12345);
	put32(r, 3);
	put32(r, 0);
	return end(r);
}

static struct rec mmap2(const char *path, uint32_t prot)
{
	char padded[64] = { 0 };
	struct rec r = start(PERF_RECORD_MMAP2, PERF_RECORD_MISC_USER);

	put32(&r, 100);
	put32(&r, 101);
	put64(&r, 0x400000);
	put64(&r, 0x2000);
	put64(&r, 0x1000);
	put32(&r, 8);
	put32(&r, 1);
	put64(&r, 4711);
	put64(&r, 5);
	put32(&r, prot);
	put32(&r, MAP_PRIVATE);
	strcpy(padded, path);
	put(&r, padded, (strlen(path) + 8) / 8 * 8);
	end_id(&r);
	return r;
}

TEST(mmap2_of_code_is_an_event)
{
	struct rec r = mmap2("/usr/bin/true", PROT_READ | PROT_EXEC);
	struct event ev;

	CHECK(perf_parse_side((void *)r.p, &ev));
	CHECK_EQ(ev.type, EV_MMAP);
	CHECK_EQ(ev.time, 12345);
	CHECK_EQ(ev.cpu, 3);
	CHECK_EQ(ev.pid, 100);
	CHECK_EQ(ev.tid, 101);
	CHECK_EQ(ev.mmap.addr, 0x400000);
	CHECK_EQ(ev.mmap.len, 0x2000);
	CHECK_EQ(ev.mmap.pgoff, 0x1000);
	CHECK_EQ(ev.mmap.maj, 8);
	CHECK_EQ(ev.mmap.min, 1);
	CHECK_EQ(ev.mmap.ino, 4711);
	CHECK_EQ(ev.mmap.ino_generation, 5);
	CHECK_EQ(ev.mmap.prot, PROT_READ | PROT_EXEC);
	CHECK_STR(ev.mmap.path, "/usr/bin/true");
	free(r.p);
	r = mmap2("/etc/passwd", PROT_READ);
	CHECK(!perf_parse_side((void *)r.p, &ev));
	free(r.p);
}

TEST(mmap_without_inode_is_one_too)
{
	struct rec r = start(PERF_RECORD_MMAP, 0);
	struct event ev;

	put32(&r, 100);
	put32(&r, 100);
	put64(&r, 0x400000);
	put64(&r, 0x2000);
	put64(&r, 0);
	put(&r, "/bin/ls", 8);
	end_id(&r);
	CHECK(perf_parse_side((void *)r.p, &ev));
	CHECK_STR(ev.mmap.path, "/bin/ls");
	CHECK_EQ(ev.mmap.ino, 0);
	CHECK_EQ(ev.mmap.prot, 0);
	free(r.p);
}

TEST(comm_fork_exit_lost)
{
	struct rec r = start(PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC);
	struct event ev;

	put32(&r, 100);
	put32(&r, 100);
	put(&r, "a name\0", 8);
	CHECK(perf_parse_side(end_id(&r), &ev));
	CHECK_EQ(ev.type, EV_COMM);
	CHECK(ev.comm.exec);
	CHECK_STR(ev.comm.name, "a name");
	free(r.p);
	r = start(PERF_RECORD_COMM, 0);
	put32(&r, 100);
	put32(&r, 100);
	put(&r, "sixteen bytes at\0\0\0\0\0\0\0", 24);
	CHECK(!perf_parse_side(end_id(&r), &ev));
	free(r.p);
	for (int exit = 0; exit < 2; exit++) {
		r = start(exit ? PERF_RECORD_EXIT : PERF_RECORD_FORK, 0);
		put32(&r, 7);
		put32(&r, 8);
		put32(&r, 9);
		put32(&r, 10);
		put64(&r, 1);
		CHECK(perf_parse_side(end_id(&r), &ev));
		CHECK_EQ(ev.type, exit ? EV_EXIT : EV_FORK);
		CHECK(ev.pid == 7 && ev.fork.ppid == 8 && ev.tid == 9 && ev.fork.ptid == 10);
		free(r.p);
	}
	r = start(PERF_RECORD_LOST, 0);
	put64(&r, 1);
	put64(&r, 99);
	CHECK(perf_parse_side(end_id(&r), &ev));
	CHECK_EQ(ev.type, EV_LOST);
	CHECK_EQ(ev.lost.records, 99);
	CHECK_EQ(perf_record_time((void *)r.p), 12345);
	free(r.p);
}

static struct rec sample(uint64_t n, uint64_t claimed, bool cgroup)
{
	struct rec r = start(PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL);

	put64(&r, 0xffffffff81000000);
	put32(&r, 100);
	put32(&r, 101);
	put64(&r, 777);
	put32(&r, 2);
	put32(&r, 0);
	put64(&r, 1000003);
	put64(&r, claimed);
	for (uint64_t i = 0; i < n; i++)
		put64(&r, i + 1);
	if (cgroup)
		put64(&r, 4242);
	end(&r);
	return r;
}

#define WITH_CGROUP (PERF_SAMPLING_TYPE | PERF_SAMPLE_CGROUP)
#define WITH_USER   (PERF_SAMPLING_TYPE | PERF_USER_TYPE)

/* A sample in user mode with registers (perf's number of each plus 1000) and stack bytes. */
static struct rec user_sample(uint64_t abi, uint64_t size, uint64_t filled)
{
	struct rec r = sample(0, 0, false);

	put64(&r, abi);
	for (uint64_t i = 0; abi && i < PERF_USER_REGS; i++)
		/* ax bx cx dx si di bp sp ip, then r8 .. r15, which perf has from 16 on */
		put64(&r, 1000 + (i < 9 ? i : i + 7));
	put64(&r, size);
	for (uint64_t i = 0; i < size / 8; i++)
		put64(&r, i);
	if (size)
		put64(&r, filled);
	put64(&r, 4242);
	end(&r);
	return r;
}

TEST(registers_and_stack_of_a_sample)
{
	static const uint64_t by_dwarf[] = { 0,	 3,  2,	 1,  4,	 5,  6,	 7, 16,
					     17, 18, 19, 20, 21, 22, 23, 8 };
	struct rec r = user_sample(PERF_SAMPLE_REGS_ABI_64, 64, 40);
	struct perf_sample s;

	CHECK_EQ(__builtin_popcountll(perf_user_regs_mask), PERF_USER_REGS);
	CHECK(perf_parse_sample((void *)r.p, WITH_USER | PERF_SAMPLE_CGROUP, &s));
	CHECK_EQ(s.abi, PERF_SAMPLE_REGS_ABI_64);
	for (size_t i = 0; i < PERF_USER_REGS; i++)
		CHECK_EQ(s.regs[i], (long long)(1000 + by_dwarf[i]));
	CHECK_EQ(s.stack_len, 40);
	CHECK(!s.stack_cut);
	CHECK_EQ(((const uint64_t *)s.stack)[4], 4);
	CHECK_EQ(s.cgroup, 4242);
	free(r.p);
	r = user_sample(PERF_SAMPLE_REGS_ABI_64, 64, 64);
	CHECK(perf_parse_sample((void *)r.p, WITH_USER, &s));
	CHECK(s.stack_cut);
	free(r.p);
	r = user_sample(PERF_SAMPLE_REGS_ABI_NONE, 0, 0);
	CHECK(perf_parse_sample((void *)r.p, WITH_USER | PERF_SAMPLE_CGROUP, &s));
	CHECK(!s.abi && !s.stack && !s.stack_len && !s.stack_cut);
	CHECK_EQ(s.cgroup, 4242);
	free(r.p);
}

TEST(lies_about_the_stack_are_refused)
{
	static const struct {
		uint64_t abi, size, filled;
	} bad[] = { { 3, 64, 64 },
		    { PERF_SAMPLE_REGS_ABI_64, 64, 72 },
		    { PERF_SAMPLE_REGS_ABI_64, 60, 8 },
		    { PERF_SAMPLE_REGS_ABI_64, 64, UINT64_MAX } };
	struct perf_sample s;

	for (size_t i = 0; i < 4; i++) {
		struct rec r = user_sample(bad[i].abi, bad[i].size, bad[i].filled);

		CHECK(!perf_parse_sample((void *)r.p, WITH_USER | PERF_SAMPLE_CGROUP, &s));
		free(r.p);
	}
}

TEST(samples)
{
	struct rec r = sample(5, 5, true);
	struct perf_sample s;

	CHECK(perf_parse_sample((void *)r.p, WITH_CGROUP, &s));
	CHECK_EQ(s.ip, (long long)0xffffffff81000000);
	CHECK(s.pid == 100 && s.tid == 101 && s.time == 777 && s.cpu == 2 && s.kernel);
	CHECK_EQ(s.period, 1000003);
	CHECK_EQ(s.n_ips, 5);
	CHECK_EQ(s.ips[4], 5);
	CHECK_EQ(s.cgroup, 4242);
	free(r.p);
	/* the last address is not taken for the cgroup's */
	r = sample(5, 5, false);
	CHECK(!perf_parse_sample((void *)r.p, WITH_CGROUP, &s));
	CHECK(perf_parse_sample((void *)r.p, PERF_SAMPLING_TYPE, &s));
	free(r.p);
	r = sample(5, UINT64_MAX / 8 + 2, true);
	CHECK(!perf_parse_sample((void *)r.p, WITH_CGROUP, &s));
	free(r.p);
}

/* Every prefix of a record as a record of its own, each byte of it flipped. */
static void mangle(const struct rec *whole)
{
	static const uint64_t types[] = { PERF_SAMPLING_TYPE, WITH_CGROUP, WITH_USER,
					  WITH_USER | PERF_SAMPLE_CGROUP };
	uint64_t sum = 0;

	for (uint16_t n = sizeof(struct perf_event_header); n <= whole->n; n += 8) {
		unsigned char *p = malloc(n);

		CHECK(p);
		for (uint16_t i = 0; i < n; i++) {
			struct perf_sample s;
			struct event ev;

			memcpy(p, whole->p, n);
			p[i] ^= 0xff;
			((struct perf_event_header *)p)->size = n;
			if (perf_parse_side((void *)p, &ev))
				sum += ev.type == EV_MMAP ? strlen(ev.mmap.path) : 1;
			if (perf_parse_sample((void *)p, types[i % 4], &s)) {
				sum += s.n_ips ? s.ips[s.n_ips - 1] : 1;
				for (size_t k = 0; k < s.stack_len; k++)
					sum += ((const unsigned char *)s.stack)[k];
			}
			sum += perf_record_time((void *)p) + perf_record_lost((void *)p);
		}
		free(p);
	}
	CHECK(sum);
}

TEST(mangled_records_are_not_read_outside)
{
	struct rec recs[] = { mmap2("/usr/lib/x86_64-linux-gnu/libc.so.6", PROT_EXEC),
			      sample(20, 20, true),
			      user_sample(PERF_SAMPLE_REGS_ABI_64, 64, 40),
			      start(PERF_RECORD_COMM, 0),
			      start(PERF_RECORD_FORK, 0),
			      start(PERF_RECORD_LOST, 0) };

	for (size_t i = 0; i < 6; i++) {
		if (i > 2) {
			put64(&recs[i], 0x100000001);
			put(&recs[i], "abcdefg\0hijklmn", 16);
			end_id(&recs[i]);
		}
		mangle(&recs[i]);
		free(recs[i].p);
	}
}

/* ---- call chains ---- */

#define K(x)   (0xffffffff81000000ULL + (x))
#define KERNEL ((uint64_t)PERF_CONTEXT_KERNEL)
#define USER   ((uint64_t)PERF_CONTEXT_USER)

static struct perf_chain_cache cache;
static struct chains *chains;

/* Converts ips; checks that leaf to root the chain is `want` and then the end mark. */
static uint32_t expect(const uint64_t *ips, uint64_t n, const uint64_t *want, size_t n_want,
		       enum ringprof_end end_mark, uint32_t max)
{
	struct perf_sample s = { .ips = ips, .n_ips = n, .pid = 100, .kernel = ips[0] == KERNEL };
	uint32_t flags, id = perf_chain(&cache, chains, &s, NULL, max, &flags);

	CHECK(id != CHAIN_NONE && id);
	CHECK_EQ(!!(flags & RINGPROF_SAMPLE_KERNEL), s.kernel);
	for (size_t i = 0; i < n_want; i++, id = chain_parent(chains, id))
		CHECK_EQ(chain_addr(chains, id), (long long)want[i]);
	CHECK_EQ(chain_addr(chains, id), (long long)(RINGPROF_END_MARK | end_mark));
	CHECK_EQ(chain_parent(chains, id), 0);
	return flags;
}

#define EXPECT(ips, want, mark, max) \
	expect(ips, sizeof(ips) / sizeof(ips[0]), want, sizeof(want) / sizeof(want[0]), mark, max)

TEST(chains_of_perf_become_chains_of_ours)
{
	uint64_t user[] = { USER, 0x401234, 0x402000, 0x403000 },
		 user_want[] = { 0x402000, 0x403000 };
	uint64_t both[] = { KERNEL, K(1), K(2), USER, 0x401234, 0x402000 };
	uint64_t both_want[] = { K(2), 0x401234, 0x402000 };
	uint64_t kthread[] = { KERNEL, K(1), K(2), K(3) }, kthread_want[] = { K(2), K(3) };
	uint64_t guest[] = { (uint64_t)PERF_CONTEXT_GUEST, K(9), KERNEL, K(2) },
		 guest_want[] = { K(2) };
	uint64_t bad[] = { USER, 0x401234, 0x402000, 0, 0x403000 }, bad_want[] = { 0x402000 };
	uint64_t marks[] = { USER, 0x401234, RINGPROF_END_MARK | 3, 0x403000 };

	chains = chains_new(1 << 20);
	CHECK(chains);
	memset(&cache, 0, sizeof(cache));
	for (int again = 0; again < 2; again++) {
		CHECK(EXPECT(user, user_want, RINGPROF_END_FP_RANGE, 127) &
		      RINGPROF_SAMPLE_USER_FP);
		EXPECT(user, user_want, RINGPROF_END_DEPTH, 3);
		CHECK(EXPECT(both, both_want, RINGPROF_END_FP_RANGE, 127) &
		      RINGPROF_SAMPLE_USER_FP);
		CHECK(!(EXPECT(kthread, kthread_want, RINGPROF_END_KTHREAD, 127) &
			RINGPROF_SAMPLE_USER_FP));
		EXPECT(kthread, kthread_want, RINGPROF_END_KDEPTH, 3);
		EXPECT(guest, guest_want, RINGPROF_END_KTHREAD, 127);
		EXPECT(bad, bad_want, RINGPROF_END_PC_RANGE, 127);
		expect(marks, 4, NULL, 0, RINGPROF_END_PC_RANGE, 127);
		expect(user, 0, NULL, 0, RINGPROF_END_NO_REGS, 127);
	}
	CHECK_EQ(cache.hits, 9);
	chains_free(chains);
}

TEST(the_chain_cache_forgets_with_the_table)
{
	uint64_t ips[] = { USER, 0x401234, 0x402000, 0x403000 }, want[] = { 0x402000, 0x403000 };

	chains = chains_new(1 << 20);
	memset(&cache, 0, sizeof(cache));
	EXPECT(ips, want, RINGPROF_END_FP_RANGE, 127);
	chains_reset(chains);
	chain_intern(chains, 0, 1);
	EXPECT(ips, want, RINGPROF_END_FP_RANGE, 127);
	CHECK_EQ(cache.hits, 0);
	chains_free(chains);
}

TEST(chains_of_any_length_stay_within_the_limit)
{
	struct perf_sample s = { .pid = 1 };
	uint64_t *ips = calloc(5000, sizeof(*ips));
	uint32_t flags, id;

	CHECK(ips);
	ips[0] = USER;
	for (uint64_t i = 1; i < 5000; i++)
		ips[i] = 0x400000 + i;
	chains = chains_new(1 << 20);
	memset(&cache, 0, sizeof(cache));
	s.ips = ips;
	s.n_ips = 5000;
	id = perf_chain(&cache, chains, &s, NULL, 6000, &flags);
	CHECK_EQ(chain_depth(chains, id), CHAIN_MAX_DEPTH);
	CHECK_EQ(chain_addr(chains, id), 0x400002);
	chains_free(chains);
	chains = chains_new(100);
	CHECK_EQ(perf_chain(&cache, chains, &s, NULL, 6000, &flags), CHAIN_NONE);
	chains_free(chains);
	free(ips);
}

/* ---- user stacks from registers and bytes ---- */

static struct user_stack asked;

/* Gives callers 0x402000, 0x403000, ...: as many as fit, at most 40. */
static void fake_unwind(void *arg, const struct user_stack *in, struct user_frames *out)
{
	uint32_t n = out->n < 40 ? out->n : 40;

	asked = *in;
	for (uint32_t i = 0; i < n; i++)
		out->addr[i] = 0x402000 + 0x1000ULL * i;
	out->end = out->n < 40 ? RINGPROF_END_DEPTH : RINGPROF_END_ROOT;
	out->n = n;
	out->flags = RINGPROF_SAMPLE_ROWS;
	out->row_frames = n;
	CHECK(arg == &asked);
}

static struct source unwinding_source(uint32_t max_depth)
{
	return (struct source){
		.cfg = { .unwind = fake_unwind, .unwind_arg = &asked, .max_depth = max_depth }
	};
}

static struct perf_walker walker;

TEST(the_user_part_comes_from_the_unwinder)
{
	struct source s = unwinding_source(0);
	uint64_t ips[] = { KERNEL, K(1), K(2) }, bytes[4] = { 0 };
	struct perf_sample p = { .ips = ips,
				 .n_ips = 3,
				 .pid = 100,
				 .tid = 101,
				 .kernel = true,
				 .cgroup = 5,
				 .abi = PERF_SAMPLE_REGS_ABI_64,
				 .stack = bytes,
				 .stack_len = 32,
				 .regs = { [7] = 0x7000, [16] = 0x401234 } };
	const struct perf_user *u;
	uint32_t id, flags;

	memset(&walker, 0, sizeof(walker));
	memset(&cache, 0, sizeof(cache));
	chains = chains_new(1 << 20);
	u = perf_walk(&walker, &s, &p, 77);
	CHECK(asked.time == 77 && asked.pid == 100 && asked.tid == 101 && asked.cgroup == 5);
	CHECK(asked.regs[16] == 0x401234 && asked.stack == bytes && asked.len == 32);
	CHECK_EQ(u->n, 41);
	id = perf_chain(&cache, chains, &p, u, 127, &flags);
	CHECK_EQ(flags, RINGPROF_SAMPLE_KERNEL | RINGPROF_SAMPLE_ROWS);
	CHECK_EQ(chain_depth(chains, id), 43);
	CHECK_EQ(chain_addr(chains, id), (long long)K(2));
	id = chain_parent(chains, id);
	CHECK_EQ(chain_addr(chains, id), 0x401234);
	id = chain_parent(chains, id);
	CHECK_EQ(chain_addr(chains, id), 0x402000);
	while (chain_parent(chains, id))
		id = chain_parent(chains, id);
	CHECK_EQ(chain_addr(chains, id), (long long)(RINGPROF_END_MARK | RINGPROF_END_ROOT));
	/* kernel frames that perf had no room for are missing in the middle */
	id = perf_chain(&cache, chains, &p, u, 2, &flags);
	while (chain_parent(chains, id))
		id = chain_parent(chains, id);
	CHECK_EQ(chain_addr(chains, id), (long long)(RINGPROF_END_MARK | RINGPROF_END_KDEPTH));
	/* in user mode the pc is the sample's own */
	p.kernel = false;
	p.n_ips = 0;
	id = perf_chain(&cache, chains, &p, perf_walk(&walker, &s, &p, 77), 127, &flags);
	CHECK_EQ(chain_depth(chains, id), 41);
	CHECK_EQ(chain_addr(chains, id), 0x402000);
	CHECK_EQ(walker.unwind[RINGPROF_UNW_ROW_FRAMES], 80);
	CHECK_EQ(walker.unwind[RINGPROF_UNW_MM_KNOWN], 2);
	chains_free(chains);
}

TEST(the_unwinder_gets_the_depth_that_is_asked_for)
{
	struct source s = unwinding_source(7);
	struct perf_sample p = { .abi = PERF_SAMPLE_REGS_ABI_64 };

	memset(&walker, 0, sizeof(walker));
	CHECK_EQ(perf_walk(&walker, &s, &p, 1)->n, 7);
	CHECK_EQ(perf_walk(&walker, &s, &p, 1)->end, RINGPROF_END_DEPTH);
	/* no memory any more: nothing to walk, nothing asked */
	memset(&asked, 0, sizeof(asked));
	p.kernel = true;
	CHECK_EQ(perf_walk(&walker, &s, &p, 1)->end, RINGPROF_END_NO_MM);
	CHECK_EQ(walker.part.n, 0);
	CHECK_EQ(asked.time, 0);
	p.kernel = false;
	p.abi = PERF_SAMPLE_REGS_ABI_32;
	CHECK_EQ(perf_walk(&walker, &s, &p, 1)->flags,
		 RINGPROF_SAMPLE_COMPAT | RINGPROF_SAMPLE_ROWS);
	CHECK(asked.compat);
}

/* ---- the ring ---- */

#define SIZE 4096U

struct fake {
	struct perf_ring ring;
	uint64_t head;
};

static void fake_new(struct fake *f)
{
	unsigned char *p = aligned_alloc(4096, 4096 + SIZE);

	CHECK(p);
	memset(p, 0, 4096 + SIZE);
	*f = (struct fake){ .ring = {
				    .fd = -1, .page = (void *)p, .data = p + 4096, .size = SIZE } };
	f->ring.scratch = malloc(65536);
	CHECK(f->ring.scratch);
}

static void fake_free(struct fake *f)
{
	free(f->ring.page);
	free(f->ring.scratch);
}

static void fake_put(struct fake *f, uint16_t size, uint16_t claimed)
{
	struct perf_event_header h = { .type = 1,
				       .misc = (uint16_t)(f->head / 8),
				       .size = claimed };
	unsigned char *data = (unsigned char *)f->ring.data;

	for (size_t i = 0; i < size; i++)
		data[(f->head + i) % SIZE] = i < sizeof(h) ? ((unsigned char *)&h)[i]
							   : (unsigned char)(size + i);
	f->head += size;
	f->ring.page->data_head = f->head;
}

TEST(records_come_whole_also_over_the_end)
{
	const struct perf_event_header *h;
	unsigned int wrapped = 0;
	struct fake f;

	fake_new(&f);
	for (uint16_t size = 8; size < 2048; size += 8) {
		fake_put(&f, size, size);
		perf_ring_note(&f.ring);
		CHECK((h = perf_ring_next(&f.ring)));
		CHECK_EQ(h->size, size);
		CHECK_EQ(h->misc, (uint16_t)(f.ring.at / 8));
		for (size_t i = sizeof(*h); i < size; i++)
			CHECK_EQ(((const unsigned char *)h)[i], (unsigned char)(size + i));
		wrapped += (const unsigned char *)h == f.ring.scratch;
		perf_ring_release(&f.ring, true);
		CHECK_EQ(f.ring.page->data_tail, f.head - size);
		CHECK(!perf_ring_next(&f.ring));
		perf_ring_release(&f.ring, false);
		CHECK_EQ(f.ring.page->data_tail, f.head);
	}
	printf("# %u records lay across the end\n", wrapped);
	CHECK(wrapped > 10);
	fake_free(&f);
}

TEST(headers_that_cannot_be_end_at_the_head)
{
	static const uint16_t bad[] = { 0, 7, 12, 4088, 65528 };
	struct fake f;

	fake_new(&f);
	for (size_t i = 0; i < 5; i++) {
		fake_put(&f, 16, 16);
		fake_put(&f, 16, bad[i]);
		fake_put(&f, 16, 16);
		perf_ring_note(&f.ring);
		CHECK(perf_ring_next(&f.ring));
		CHECK(!perf_ring_next(&f.ring));
		CHECK_EQ(f.ring.corrupt, 32 * (i + 1));
		perf_ring_release(&f.ring, false);
		CHECK_EQ(f.ring.page->data_tail, f.head);
	}
	/* a head that ran away */
	f.ring.page->data_head = f.head + SIZE + 8;
	perf_ring_note(&f.ring);
	CHECK(!perf_ring_next(&f.ring));
	fake_free(&f);
}

int main(void)
{
	return tap_main();
}
