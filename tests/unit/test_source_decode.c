// SPDX-License-Identifier: GPL-2.0
/*
 * Module rings made by hand: epochs, attaching, chains, and everything that a
 * broken or hostile ring may hold.
 */
#include <stdlib.h>

#include "source/decode.h"
#include "test_source_ring.h"

#define END(e) (RINGPROF_END_MARK | (e))
#define WEIGHT 10101009U

static struct test_ring ring;
static struct decode dec;
static struct chains *chains;

static void begin(uint32_t attach_epoch)
{
	if (ring.data)
		ring_writable(&ring);
	free(ring.data);
	ring_new(&ring);
	decode_free(&dec);
	decode_init(&dec, attach_epoch, DECODE_MAX_NODES);
	dec.max_time = 1000000;
	chains_free(chains);
	chains = chains_new(4 << 20);
	CHECK(chains);
}

/* Decodes the ring from `from`; gives the number of samples, the last one in *last. */
static unsigned int run(uint64_t from, struct decode_sample *last)
{
	struct ringprof_cursor c = ring_cursor(&ring, from);
	struct decode_sample s;
	unsigned int n = 0;
	bool deep;

	while (decode_next(&dec, &c, &s)) {
		CHECK(s.node < dec.n_nodes);
		CHECK(s.weight);
		CHECK(decode_chain(&dec, chains, s.node, &deep) != CHAIN_NONE || deep);
		*last = s;
		n++;
	}
	ring_writable(&ring);
	CHECK_EQ(c.pos, c.head);
	return n;
}

TEST(samples_come_with_their_chain_and_weight)
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

TEST(what_was_before_the_attach_is_detached)
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

TEST(a_new_epoch_voids_the_ids_of_the_old)
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
}

/* One bad record between good ones: it and all up to the next epoch is dropped, no more. */
static void bad_record(void (*put)(void), const char *what)
{
	uint64_t root[] = { END(RINGPROF_END_DEPTH), 0x1000 };
	struct decode_sample s = { 0 };

	begin(1);
	ring_epoch(&ring, 1);
	ring_weight(&ring, WEIGHT);
	ring_nodes(&ring, 0, root, 2);
	ring_sample(&ring, 2, 1, 0x11);
	put();
	ring.epoch = 1;
	ring_sample(&ring, 2, 2, 0x22);
	ring_epoch(&ring, 2);
	ring_sample(&ring, 0, 3, 0x33);
	if (run(0, &s) != 2 || s.leaf != 0x33 || !dec.corrupt)
		TAP_FAIL("%s: corrupt %llu", what, (unsigned long long)dec.corrupt);
}

static void put_other_epoch(void)
{
	ring.epoch = 2;
	ring_sample(&ring, 2, 1, 0x11);
}

static void put_node_too_high(void)
{
	ring_sample(&ring, 3, 1, 0x11);
}

static void put_gap(void)
{
	uint64_t addr = 0x1000;

	ring.next_node++;
	ring_nodes(&ring, 1, &addr, 1);
}

static void put_future_parent(void)
{
	uint64_t addr = 0x1000;

	ring_nodes(&ring, 3, &addr, 1);
}

static void put_chain_without_end(void)
{
	uint64_t addr = 0x1000;

	ring_nodes(&ring, 0, &addr, 1);
}

static void put_count_too_high(void)
{
	struct ringprof_rec_nodes h = { .rec = { RINGPROF_REC_NODES, 0, sizeof(h) + 8 },
					.parent = ring_id(&ring, 1),
					.first = ring_id(&ring, 3),
					.count = 2 };
	uint64_t addr = 0x1000;

	ring_put(&ring, &h, sizeof(h));
	ring_put(&ring, &addr, sizeof(addr));
}

static void put_no_weight(void)
{
	ring_weight(&ring, 0);
}

static void put_huge_weight(void)
{
	ring_weight(&ring, UINT64_MAX);
}

static void put_late_sample(void)
{
	ring_sample(&ring, 2, 1000001, 0x11);
}

TEST(records_that_cannot_be_end_at_the_next_epoch)
{
	bad_record(put_other_epoch, "other epoch");
	bad_record(put_node_too_high, "node too high");
	bad_record(put_gap, "gap in node ids");
	bad_record(put_future_parent, "parent to come");
	bad_record(put_chain_without_end, "no end mark");
	bad_record(put_count_too_high, "count above the record's size");
	bad_record(put_no_weight, "weight 0");
	bad_record(put_huge_weight, "huge weight");
	bad_record(put_late_sample, "from the future");
}

TEST(sizes_that_cannot_be_end_at_the_head)
{
	static const uint16_t sizes[] = { 0, 4, 7, 8, 12, 39, 41, 16384, 65528 };
	struct decode_sample s = { 0 };

	for (size_t i = 0; i < 9; i++) {
		struct ringprof_rec rec = { RINGPROF_REC_SAMPLE, 0, sizes[i] };
		uint64_t at, rest;

		begin(1);
		ring_epoch(&ring, 1);
		ring_weight(&ring, WEIGHT);
		at = ring.head;
		ring_put(&ring, &rec, sizeof(rec));
		ring_put(&ring, "abcd", 4);
		ring_epoch(&ring, 2);
		rest = ring.head;
		ring_sample(&ring, 0, 1, 0x11);
		/* the second round starts at a record again, and needs a new epoch */
		ring.head = rest;
		CHECK_EQ(run(0, &s), 0);
		CHECK_EQ(dec.corrupt, rest - at);
		ring_epoch(&ring, 3);
		ring_sample(&ring, 0, 1, 0x22);
		CHECK_EQ(run(rest, &s), 1);
		CHECK_EQ(s.leaf, 0x22);
	}
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

static void fill_ring(void)
{
	uint64_t root[] = { END(RINGPROF_END_FP_ZERO), 0x400000, 0x401000 };
	uint64_t more[] = { 0x402000, 0xffffffff81000000 };

	ring_epoch(&ring, 3);
	ring_weight(&ring, WEIGHT);
	ring_sample(&ring, ring_nodes(&ring, 0, root, 3), 10, 0x401234);
	ring_sample(&ring, ring_nodes(&ring, 2, more, 2), 20, 0x402345);
	ring_epoch(&ring, 4);
	ring_sample(&ring, ring_nodes(&ring, 0, root, 3), 30, 0x401234);
	ring_sample(&ring, 3, 40, 0x401235);
}

TEST(every_byte_flipped_every_way)
{
	uint64_t start = 3 * RING_SIZE - 96; /* records lie across the end of the area */
	unsigned int fewer = 0, whole = 0;
	struct decode_sample s;

	begin(3);
	for (uint64_t i = 0; i < 400; i++) {
		for (unsigned int flip = 1; flip < 256; flip++) {
			unsigned int n;

			decode_free(&dec);
			decode_init(&dec, 3, DECODE_MAX_NODES);
			dec.max_time = 1000000;
			ring.head = start;
			fill_ring();
			CHECK(ring.head - start <= 400);
			if (i >= ring.head - start)
				break;
			ring.data[(start + i) % RING_SIZE] ^= (unsigned char)flip;
			ring.data[(start + i) % RING_SIZE + RING_SIZE] ^= (unsigned char)flip;
			n = run(start, &s);
			CHECK(n <= 4);
			fewer += n < 4;
			whole += n == 4;
		}
	}
	printf("# %u decoded whole, %u with samples dropped\n", whole, fewer);
	CHECK(fewer > 1000 && whole > 1000);
}

TEST(random_bytes_behind_plausible_heads)
{
	struct decode_sample s;
	uint64_t x = 88172645463325252ULL;

	begin(0);
	for (int round = 0; round < 3000; round++) {
		decode_free(&dec);
		decode_init(&dec, 0, 4096);
		dec.max_time = UINT64_MAX;
		ring.head = 0;
		ring_epoch(&ring, 0);
		ring_weight(&ring, 1);
		while (ring.head < 2000) {
			struct ringprof_rec rec;

			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			rec = (struct ringprof_rec){ (uint8_t)(x % 6), 0,
						     (uint16_t)(x >> 8 & 0x78) };
			ring_put(&ring, &rec, sizeof(rec));
			for (uint32_t i = 4; i < rec.size; i++)
				ring_put(&ring, &(char){ (char)(x >> (i * 7 & 63) & 3) }, 1);
		}
		ring.head &= ~7ULL;
		run(0, &s);
		CHECK(dec.n_nodes <= 4096);
	}
}

TEST(more_nodes_than_we_keep_lose_samples_only)
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

TEST(chains_survive_a_new_start_of_the_table)
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

TEST(a_full_table_is_told_and_a_deep_chain_too)
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
	int r = tap_main();

	free(ring.data);
	decode_free(&dec);
	chains_free(chains);
	return r;
}
