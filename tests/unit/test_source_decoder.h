/* SPDX-License-Identifier: GPL-2.0 */
/* A ring made by hand, its decoder and its chains: what the tests of decode.c share. */
#ifndef RINGPROF_TESTS_TEST_SOURCE_DECODER_H
#define RINGPROF_TESTS_TEST_SOURCE_DECODER_H

#include <stdlib.h>

#include "source/decode.h"
#include "test_source_ring.h"

#define END(e) (RINGPROF_END_MARK | (e))
#define WEIGHT 10101009U

static struct test_ring ring;
static bool abi1;
static struct decode dec;
static struct chains *chains;

/* A test of rings of both versions */
#define BOTH(id)                     \
	static void both_##id(void); \
	TEST(id)                     \
	{                            \
		abi1 = false;        \
		both_##id();         \
	}                            \
	TEST(id##_abi1)              \
	{                            \
		abi1 = true;         \
		both_##id();         \
		abi1 = false;        \
	}                            \
	static void both_##id(void)

static void begin(uint32_t attach_epoch)
{
	if (ring.data)
		ring_writable(&ring);
	free(ring.data);
	ring_new(&ring);
	ring.abi1 = abi1;
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

/* Runs all tests and frees what the last one left. */
static int decoder_main(void)
{
	int r = tap_main();

	free(ring.data);
	decode_free(&dec);
	chains_free(chains);
	return r;
}

#endif
