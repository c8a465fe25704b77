// SPDX-License-Identifier: GPL-2.0
/*
 * Module rings made by hand, as ABI 1 and as ABI 2 has them: epochs, attaching,
 * chains, and the limits of what is kept.
 */
#include "test_random.h"
#include "test_source_decoder.h"

BOTH(samples_come_with_their_chain_and_weight)
{
	uint64_t root[] = { END(RINGPROF_END_FP_ZERO), 0x400000, 0x401000 }, more[] = { 0x402000 };
	struct decode_sample s = { 0 };
	uint32_t a, b, id;
	bool deep;

	begin(3);
	ring_epoch(&ring, 3);
	ring_weight(&ring, WEIGHT);
	a = ring_nodes(&ring, 0, root, 3);
	ring_sample(&ring, a, 10, 0x401234);
	b = ring_nodes(&ring, a, more, 1);
	ring_sample(&ring, b, 20, 0x402345);
	CHECK_EQ(run(0, &s), 2);
	CHECK_EQ(s.time, 20);
	CHECK_EQ(s.leaf, 0x402345);
	CHECK_EQ(s.weight, WEIGHT);
	CHECK_EQ(s.tgid, 100);
	CHECK_EQ(s.tid, 101);
	CHECK_EQ(s.cgroup, 7);
	CHECK_EQ(s.flags, RINGPROF_SAMPLE_USER_FP);
	id = decode_chain(&dec, chains, s.node, &deep);
	CHECK_EQ(chain_addr(chains, id), 0x402000);
	id = chain_parent(chains, id);
	CHECK_EQ(chain_addr(chains, id), 0x401000);
	id = chain_parent(chains, chain_parent(chains, id));
	CHECK_EQ(chain_addr(chains, id), (long long)END(RINGPROF_END_FP_ZERO));
	CHECK_EQ(chain_parent(chains, id), 0);
	CHECK_EQ(chains_count(chains), 5);
	CHECK_EQ(dec.corrupt + dec.lost_samples + dec.detached, 0);
}

BOTH(what_was_before_the_attach_is_detached)
{
	uint64_t root[] = { END(RINGPROF_END_DEPTH), 0x1000 };
	/* over the wrap of the epoch's 32 bits as well */
	static const uint32_t attach[] = { 5, 1, 0, 0xffffffff, 0x80000000 };
	struct decode_sample s;

	for (size_t i = 0; i < 5; i++) {
		begin(attach[i]);
		ring_sample(&ring, 17, 1, 1); /* not even an epoch */
		ring_epoch(&ring, attach[i] - 2);
		ring_weight(&ring, WEIGHT);
		ring_nodes(&ring, 0, root, 2);
		ring_sample(&ring, 2, 1, 1);
		ring_epoch(&ring, attach[i] - 1);
		ring_sample(&ring, 0, 2, 1);
		CHECK_EQ(run(0, &s), 0);
		CHECK_EQ(dec.detached, 3);
		ring_epoch(&ring, attach[i] + (i & 1));
		ring_nodes(&ring, 0, root, 2);
		ring_sample(&ring, 2, 3, 1);
		CHECK_EQ(run(ring.head - 16 - 32 - 40, &s), 1);
		CHECK_EQ(dec.detached, 3);
		CHECK_EQ(dec.corrupt + dec.lost_samples, 0);
	}
}

BOTH(a_new_epoch_voids_the_ids_of_the_old)
{
	uint64_t root[] = { END(RINGPROF_END_DEPTH), 0x1000 };
	struct decode_sample s = { 0 };

	begin(1);
	ring_epoch(&ring, 1);
	ring_weight(&ring, WEIGHT);
	ring_nodes(&ring, 0, root, 2);
	ring_sample(&ring, 2, 1, 0x11);
	ring_epoch(&ring, 2);
	ring_sample(&ring, 2, 2, 0x22); /* no such node yet */
	ring_nodes(&ring, 0, root, 2);	/* not understood any more */
	ring_sample(&ring, 2, 3, 0x33);
	ring_epoch(&ring, 3);
	ring_nodes(&ring, 0, root, 2);
	ring_sample(&ring, 2, 4, 0x44);
	CHECK_EQ(run(0, &s), 2);
	CHECK_EQ(s.leaf, 0x44);
	CHECK_EQ(dec.lost_samples, 2);
	CHECK_EQ(dec.corrupt, 40 + 32 + 40);
	CHECK_EQ(dec.unreadable, 0);
}

TEST(unknown_types_and_longer_records_are_passed_over)
{
	struct ringprof_rec rec = { 77, 0xff, 24 };
	struct {
		struct ringprof_rec_sample s;
		uint64_t added;
	} longer = { .s = { .rec = { RINGPROF_REC_SAMPLE, 0, sizeof(longer) }, .leaf = 0x99 } };
	struct decode_sample s = { 0 };

	begin(1);
	ring_epoch(&ring, 1);
	ring_weight(&ring, WEIGHT);
	ring_put(&ring, &rec, sizeof(rec));
	ring_put(&ring, "01234567890123456789", 20);
	longer.s.chain = ring_id(&ring, 0);
	ring_put(&ring, &longer, sizeof(longer));
	CHECK_EQ(run(0, &s), 1);
	CHECK_EQ(s.leaf, 0x99);
	CHECK_EQ(dec.corrupt, 0);
}

/* An address near the one before, far from it, or at the edge of a unit's reach. */
static uint64_t some_addr(__u64 *seed, uint64_t base)
{
	static const uint64_t steps[] = { 0x3fff,     0x4000,	  0x4001, 0x1fffffff,
					  0x20000000, 0x20000001, 0,	  0x80000000 };
	uint64_t x = next_random(seed), step = steps[x >> 8 & 7];

	if (!(x & 7))
		return next_random(seed);
	if ((x & 7) < 4)
		return base + (x >> 20 & 0xffff) - 0x8000;
	return x & 16 ? base + step : base - step;
}

BOTH(random_chains_come_back_address_by_address)
{
	__u64 seed = 4711;
	uint64_t addr[8], all[600] = { 0 };
	uint32_t parents[600] = { 0 };

	for (int round = 0; round < 50; round++) {
		struct ringprof_cursor c;
		struct decode_sample s;
		uint32_t used = 0, node[60], n_nodes = 0;

		begin(1);
		ring_epoch(&ring, 1);
		ring_weight(&ring, WEIGHT);
		for (; n_nodes < 60; n_nodes++) {
			uint32_t n = 1 + next_random(&seed) % 8;
			uint32_t parent = next_random(&seed) % (used + 1);

			for (uint32_t i = 0; i < n; i++) {
				uint64_t base = i ? addr[i - 1] : all[parent];

				addr[i] = parent || i ? some_addr(&seed, base) : END(i + 1);
				parents[used + 1 + i] = i ? used + i : parent;
				all[used + 1 + i] = addr[i];
			}
			node[n_nodes] = used += n;
			CHECK_EQ(ring_nodes(&ring, parent, addr, n), used);
			ring_sample(&ring, used, n_nodes, 0x11);
		}
		c = ring_cursor(&ring, 0);
		for (uint32_t i = 0; i < n_nodes; i++) {
			bool deep;
			uint32_t at = node[i], id;

			CHECK(decode_next(&dec, &c, &s));
			id = decode_chain(&dec, chains, s.node, &deep);
			for (; at; at = parents[at], id = chain_parent(chains, id))
				CHECK_EQ(chain_addr(chains, id), all[at]);
			CHECK_EQ(id, 0);
		}
		CHECK(!decode_next(&dec, &c, &s));
		CHECK_EQ(dec.corrupt + dec.lost_samples, 0);
		ring_writable(&ring);
	}
}

BOTH(more_nodes_than_we_keep_lose_samples_only)
{
	uint64_t addr[100] = { END(RINGPROF_END_DEPTH) };
	struct decode_sample s = { 0 };

	begin(1);
	decode_init(&dec, 1, 64);
	dec.max_time = 1000;
	ring_epoch(&ring, 1);
	ring_weight(&ring, WEIGHT);
	ring_sample(&ring, ring_nodes(&ring, 0, addr, 100), 1, 1);
	ring_epoch(&ring, 2);
	ring_sample(&ring, ring_nodes(&ring, 0, addr, 10), 2, 2);
	CHECK_EQ(run(0, &s), 1);
	CHECK_EQ(s.leaf, 2);
	CHECK_EQ(dec.lost_samples, 1);
	CHECK_EQ(dec.corrupt, 0);
}

BOTH(chains_survive_a_new_start_of_the_table)
{
	uint64_t root[] = { END(RINGPROF_END_FP_ZERO), 0x400000, 0x401000 };
	struct decode_sample s = { 0 };
	uint32_t id;
	bool deep;

	begin(1);
	ring_epoch(&ring, 1);
	ring_weight(&ring, WEIGHT);
	ring_sample(&ring, ring_nodes(&ring, 0, root, 3), 1, 1);
	CHECK_EQ(run(0, &s), 1);
	chains_reset(chains);
	chain_intern(chains, 0, 0x1234); /* so that the ids are others now */
	id = decode_chain(&dec, chains, s.node, &deep);
	CHECK_EQ(chain_addr(chains, id), 0x401000);
	CHECK_EQ(chain_addr(chains, chain_parent(chains, id)), 0x400000);
	CHECK_EQ(chains_count(chains), 5);
}

BOTH(a_full_table_is_told_and_a_deep_chain_too)
{
	uint64_t addr[CHAIN_MAX_DEPTH + 100] = { END(RINGPROF_END_DEPTH) };
	struct decode_sample s = { 0 };
	struct ringprof_cursor c;
	bool deep;

	begin(1);
	ring_epoch(&ring, 1);
	ring_weight(&ring, WEIGHT);
	ring_sample(&ring, ring_nodes(&ring, 0, addr, 10), 1, 1);
	ring_sample(&ring, ring_nodes(&ring, 0, addr, CHAIN_MAX_DEPTH + 100), 2, 2);
	c = ring_cursor(&ring, 0);
	CHECK(decode_next(&dec, &c, &s));
	chains_free(chains);
	chains = chains_new(100);
	CHECK_EQ(decode_chain(&dec, chains, s.node, &deep), CHAIN_NONE);
	CHECK(!deep);
	CHECK(decode_next(&dec, &c, &s));
	CHECK_EQ(decode_chain(&dec, chains, s.node, &deep), CHAIN_NONE);
	CHECK(deep);
}

int main(void)
{
	return decoder_main();
}
