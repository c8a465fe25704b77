// SPDX-License-Identifier: GPL-2.0
/* The chain table: sharing, bounds, a new start. */
#include <stdlib.h>

#include "source/chains.h"
#include "tap.h"

TEST(equal_chains_share_their_nodes)
{
	struct chains *c = chains_new(1 << 20);
	uint32_t a, b, x;

	CHECK(c);
	CHECK_EQ(chains_count(c), 1);
	a = chain_intern(c, 0, 0x8000000000000002);
	b = chain_intern(c, a, 0x1000);
	x = chain_intern(c, b, 0x2000);
	CHECK(a && b && x && a != b && b != x);
	CHECK_EQ(chain_intern(c, b, 0x2000), x);
	CHECK_EQ(chain_intern(c, a, 0x1000), b);
	CHECK(chain_intern(c, a, 0x2000) != x);
	CHECK_EQ(chain_parent(c, x), b);
	CHECK_EQ(chain_addr(c, x), 0x2000);
	CHECK_EQ(chain_depth(c, x), 3);
	CHECK_EQ(chain_depth(c, 0), 0);
	CHECK_EQ(chains_count(c), 5);
	CHECK(chain_equals(c, x, (uint64_t[]){ 0x2000, 0x1000, 0x8000000000000002 }, 3));
	CHECK(!chain_equals(c, x, (uint64_t[]){ 0x2000, 0x1001, 0x8000000000000002 }, 3));
	CHECK(!chain_equals(c, x, (uint64_t[]){ 0x2000, 0x1000 }, 2));
	CHECK(chain_equals(c, 0, NULL, 0));
	CHECK(!chain_equals(c, 99, NULL, 0));
	chains_free(c);
}

TEST(ids_stay_while_the_table_grows)
{
	enum { N = 200000 };
	struct chains *c = chains_new(64 << 20);
	uint32_t *ids = calloc(N, sizeof(*ids));

	CHECK(c && ids);
	for (uint32_t i = 0; i < N; i++) {
		/* chains of 1 to 16 nodes with shared roots */
		ids[i] = chain_intern(c, i % 16 ? ids[i - 1] : 0, i);
		CHECK(ids[i] && ids[i] != CHAIN_NONE);
	}
	for (uint32_t i = 0; i < N; i++) {
		CHECK_EQ(chain_intern(c, i % 16 ? ids[i - 1] : 0, i), ids[i]);
		CHECK_EQ(chain_addr(c, ids[i]), i);
		CHECK_EQ(chain_depth(c, ids[i]), i % 16 + 1);
	}
	CHECK_EQ(chains_count(c), N + 1);
	printf("# %d nodes in %zu bytes, %.1f a node\n", N, chains_bytes(c),
	       (double)chains_bytes(c) / N);
	free(ids);
	chains_free(c);
}

static uint32_t fill(struct chains *c, size_t max)
{
	uint32_t n = 0;

	while (chain_intern(c, 0, n) != CHAIN_NONE) {
		if (chains_bytes(c) > max)
			return 0;
		n++;
	}
	return n;
}

TEST(the_byte_limit_holds_and_a_reset_frees)
{
	size_t max = 1 << 20;
	struct chains *c = chains_new(max);
	uint32_t n = fill(c, max);

	printf("# %u nodes fit into 1 MiB\n", n);
	CHECK(n > 20000);
	CHECK_EQ(chains_count(c), n + 1);
	/* full says no to new ones, not to those it has */
	CHECK_EQ(chain_intern(c, 0, n), CHAIN_NONE);
	CHECK(chain_intern(c, 0, 7) != CHAIN_NONE);
	CHECK_EQ(chains_generation(c), 0);
	chains_reset(c);
	CHECK_EQ(chains_generation(c), 1);
	CHECK_EQ(chains_count(c), 1);
	CHECK(chains_bytes(c) < 4096);
	CHECK_EQ(fill(c, max), n);
	chains_free(c);
}

TEST(ids_that_are_none_are_the_empty_chain)
{
	struct chains *c = chains_new(1 << 20);

	CHECK_EQ(chain_intern(c, 5, 1), CHAIN_NONE);
	CHECK_EQ(chain_intern(c, CHAIN_NONE, 1), CHAIN_NONE);
	CHECK_EQ(chain_parent(c, CHAIN_NONE), 0);
	CHECK_EQ(chain_addr(c, 99), 0);
	CHECK_EQ(chain_depth(c, 99), 0);
	chains_free(c);
}

TEST(no_chain_is_deeper_than_the_limit)
{
	struct chains *c = chains_new(1 << 20);
	uint32_t id = 0;

	for (uint32_t i = 0; i < CHAIN_MAX_DEPTH; i++) {
		id = chain_intern(c, id, i);
		CHECK(id != CHAIN_NONE);
	}
	CHECK_EQ(chain_depth(c, id), CHAIN_MAX_DEPTH);
	CHECK_EQ(chain_intern(c, id, 1), CHAIN_NONE);
	chains_free(c);
}

TEST(a_limit_too_small_for_anything_is_survived)
{
	struct chains *c = chains_new(100);

	CHECK(c);
	CHECK_EQ(chain_intern(c, 0, 1), CHAIN_NONE);
	chains_reset(c);
	CHECK_EQ(chain_intern(c, 0, 1), CHAIN_NONE);
	chains_free(c);
	chains_free(NULL);
}

int main(void)
{
	return tap_main();
}
