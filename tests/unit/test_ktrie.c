// SPDX-License-Identifier: GPL-2.0
/* The module's call trie: ids, epochs that come round, bounds, quotas. */
#include <stdlib.h>

#include "kmod/trie.c"
#include "tap.h"
#include "test_random.h"

static __u64 seed = 0x2545f4914f6cdd1dULL;

static __u64 rnd(void)
{
	return next_random(&seed);
}

static struct rp_trie *trie_new(__u32 budget, void **ret_mem)
{
	struct rp_trie *t = malloc(sizeof(*t));

	*ret_mem = calloc(1, rp_trie_bytes(budget));
	rp_trie_init(t, *ret_mem, budget, rnd(), 1);
	return t;
}

static __u32 add(struct rp_trie *t, const __u64 *chain, __u32 n)
{
	__u32 missing, node = rp_trie_find(t, chain, n, &missing);

	if (!missing)
		return node;
	return rp_trie_insert(t, chain, missing, node) ? t->used : 0;
}

TEST(chains_share_their_callers)
{
	void *mem;
	struct rp_trie *t = trie_new(RP_MIN_NODES, &mem);
	__u64 a[] = { 3, 2, 1 }, b[] = { 4, 2, 1 }, c[] = { 2, 1 };
	__u32 missing;

	CHECK_EQ(add(t, a, 3), 3);
	CHECK_EQ(rp_trie_find(t, b, 3, &missing), 2);
	CHECK_EQ(missing, 1);
	CHECK_EQ(add(t, b, 3), 4);
	CHECK_EQ(add(t, c, 2), 2);
	CHECK_EQ(add(t, a, 3), 3);
	CHECK_EQ(t->used, 4);
	free(mem);
	free(t);
}

TEST(full_to_the_budget_and_not_beyond)
{
	void *mem;
	struct rp_trie *t = trie_new(RP_MIN_NODES, &mem);
	__u64 chain[1];
	__u32 i;

	for (i = 1; i <= RP_MIN_NODES; i++) {
		chain[0] = i;
		CHECK_EQ(add(t, chain, 1), i);
	}
	for (i = 1; i <= RP_MIN_NODES; i++) {
		chain[0] = i;
		CHECK_EQ(add(t, chain, 1), i);
	}
	chain[0] = 0;
	CHECK_EQ(add(t, chain, 1), 0);
	CHECK_EQ(t->used, RP_MIN_NODES);
	rp_trie_new_epoch(t);
	CHECK_EQ(add(t, chain, 1), 1);
	free(mem);
	free(t);
}

/* The same chain each epoch gets its id anew, also when 16 bits have come round. */
TEST(no_entry_outlives_its_epoch)
{
	void *mem;
	struct rp_trie *t = trie_new(RP_MIN_NODES, &mem);
	__u64 chain[2] = { 0x1234, RINGPROF_END_MARK };
	__u32 i, missing;

	for (i = 0; i < 3 * 65536; i++) {
		__u64 other = rnd();

		CHECK((t->epoch & 0xffff) != 0);
		CHECK_EQ(rp_trie_find(t, chain, 2, &missing), 0);
		CHECK_EQ(missing, 2);
		/* leave entries behind at places that differ from epoch to epoch */
		CHECK_EQ(add(t, chain, 2), 2);
		CHECK_EQ(rp_chain_get(t, rp_chain_hash(t, chain, 2)), 0);
		rp_chain_put(t, rp_chain_hash(t, chain, 2), 2);
		CHECK_EQ(rp_chain_get(t, rp_chain_hash(t, chain, 2)), 2);
		add(t, &other, 1);
		rp_trie_new_epoch(t);
	}
	free(mem);
	free(t);
}

/* White box: every entry is cleared before its 16-bit epoch can come again. */
TEST(scrubbing_is_fast_enough)
{
	static const __u32 budgets[] = { RP_MIN_NODES, 1U << 17, RP_MAX_NODES };
	unsigned int b;

	for (b = 0; b < 3; b++) {
		void *mem;
		struct rp_trie *t = trie_new(budgets[b], &mem);
		__u64 stale = 0;
		__u32 i;

		for (i = 0; i <= t->node_mask; i++)
			t->node[i].meta = ~0ULL; /* epoch 0xffff */
		while ((t->epoch & 0xffff) != 0xfffe)
			rp_trie_new_epoch(t);
		for (i = 0; i <= t->node_mask; i++)
			stale += t->node[i].meta != 0;
		CHECK_EQ(stale, 0);
		free(mem);
		free(t);
	}
}

TEST(quotas_are_per_process)
{
	void *mem;
	struct rp_trie *t = trie_new(RP_MIN_NODES, &mem);
	struct rp_quota *seen[64];
	__u32 i;

	for (i = 0; i < 64; i++) {
		seen[i] = rp_trie_quota(t, 1000 + i);
		CHECK_EQ(seen[i]->used, 0);
		seen[i]->used = i + 1;
	}
	for (i = 0; i < 64; i++)
		CHECK_EQ(rp_trie_quota(t, 1000 + i)->used, i + 1);
	/* more processes than entries: the last one is shared, nothing breaks */
	for (i = 0; i < 5000; i++)
		rp_trie_quota(t, 5000 + i)->used++;
	CHECK(t->quota[RP_QUOTA_SLOTS].used > 4000);
	rp_trie_new_epoch(t);
	CHECK_EQ(rp_trie_quota(t, 1000)->used, 0);
	free(mem);
	free(t);
}

TEST(hashes_hang_on_key_order_and_length)
{
	void *mem, *mem2;
	struct rp_trie *t = trie_new(RP_MIN_NODES, &mem), *u = trie_new(RP_MIN_NODES, &mem2);
	__u64 a[] = { 1, 2, 3 }, b[] = { 3, 2, 1 };

	CHECK(rp_chain_hash(t, a, 3) != rp_chain_hash(t, b, 3));
	CHECK(rp_chain_hash(t, a, 3) != rp_chain_hash(t, a, 2));
	CHECK(rp_chain_hash(t, a, 3) != rp_chain_hash(u, a, 3));
	free(mem);
	free(mem2);
	free(t);
	free(u);
}

int main(void)
{
	return tap_main();
}
