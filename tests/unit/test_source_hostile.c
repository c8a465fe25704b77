// SPDX-License-Identifier: GPL-2.0
/*
 * Module rings as a broken or hostile module would write them: dropped up to
 * the next epoch, counted, and nothing else.
 */
#include "test_source_decoder.h"

/* One bad record between good ones: it and all up to the next epoch is dropped, no more. */
static void bad_record(void (*put)(void), const char *what)
{
	uint64_t root[] = { END(RINGPROF_END_DEPTH), 0x1000 };
	struct decode_sample s = { 0 };
	uint64_t at;

	begin(1);
	ring_epoch(&ring, 1);
	ring_weight(&ring, WEIGHT);
	ring_nodes(&ring, 0, root, 2);
	ring_sample(&ring, 2, 1, 0x11);
	put();
	/* nothing stands behind it yet: a read past its end is seen */
	if (run(0, &s) != 1 || s.leaf != 0x11)
		TAP_FAIL("%s: leaf %llx", what, (unsigned long long)s.leaf);
	at = ring.head;
	ring.epoch = 1;
	ring_sample(&ring, 2, 2, 0x22);
	ring_epoch(&ring, 2);
	ring_sample(&ring, 0, 3, 0x33);
	if (run(at, &s) != 1 || s.leaf != 0x33 || !dec.corrupt)
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
	ring_sample(&ring, 3, 1, 0x66);
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

static void put_half_an_address(void)
{
	static const uint16_t unit[] = { 0, 0, 0, 0, RINGPROF_NODES_WHOLE, 0x1000, 1, 2 };

	ring_units(&ring, 2, unit, 8);
}

static void put_half_a_difference(void)
{
	static const uint16_t unit[] = { 0, 0, 0, 1 };

	ring_units(&ring, 2, unit, 4);
}

static void put_a_unit_that_cannot_be(void)
{
	static const uint16_t unit[] = { 7, 1, 2, 3, 4 };

	ring_units(&ring, 2, unit, 5);
	ring_sample(&ring, 3, 1, 0x66);
}

static void put_nodes_of_no_sample(void)
{
	uint64_t addr = 0x1000;

	ring_nodes16(&ring, 2, &addr, 1);
	ring_nodes16(&ring, 2, &addr, 1);
	ring_sample(&ring, 4, 1, 0x11);
}

/* the record that brought node 3 is missing: the sample does not name what came last */
static void put_sample_behind_others_nodes(void)
{
	uint64_t addr[] = { 0x1000, 0x2000 };

	ring_nodes16(&ring, 2, addr, 2);
	ring_sample(&ring, 3, 1, 0x11);
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

BOTH(records_that_cannot_be_end_at_the_next_epoch)
{
	bad_record(put_other_epoch, "other epoch");
	bad_record(put_node_too_high, "node too high");
	bad_record(put_gap, "gap in node ids");
	bad_record(put_future_parent, "parent to come");
	bad_record(put_chain_without_end, "no end mark");
	bad_record(put_count_too_high, "count above the record's size");
	bad_record(put_half_an_address, "an address cut short");
	bad_record(put_half_a_difference, "a difference cut short");
	bad_record(put_a_unit_that_cannot_be, "a unit that cannot be");
	bad_record(put_nodes_of_no_sample, "nodes behind nodes");
	bad_record(put_sample_behind_others_nodes, "a sample of another node");
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
		CHECK_EQ(dec.unreadable, rest - at);
		ring_epoch(&ring, 3);
		ring_sample(&ring, 0, 1, 0x22);
		CHECK_EQ(run(rest, &s), 1);
		CHECK_EQ(s.leaf, 0x22);
	}
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

BOTH(every_byte_flipped_every_way)
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

BOTH(random_bytes_behind_plausible_heads)
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

int main(void)
{
	return decoder_main();
}
