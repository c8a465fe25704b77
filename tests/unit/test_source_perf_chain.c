// SPDX-License-Identifier: GPL-2.0
/* Perf's call chains, and user stacks from registers and bytes, to chains of ours. */
#include <stdlib.h>

#include <linux/ringprof.h>

#include "source/perf_chain.h"
#include "source/perf_user.h"
#include "tap.h"

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

int main(void)
{
	return tap_main();
}
