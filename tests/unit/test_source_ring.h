/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A module ring made by hand: records are appended to an area that is laid out
 * as mmap gives it (twice in a row). What does not lie between the reader's
 * position and the head is poisoned while it reads, so that ASan sees any read
 * outside.
 */
#ifndef RINGPROF_TESTS_TEST_SOURCE_RING_H
#define RINGPROF_TESTS_TEST_SOURCE_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sanitizer/asan_interface.h>

#include <linux/ringprof.h>

#include "ringprof/record.h"
#include "tap.h"

#define RING_SIZE 32768U

struct test_ring {
	unsigned char *data; /* 2 * RING_SIZE */
	uint64_t head;
	uint32_t epoch, next_node;
	uint64_t addr[4096]; /* of the nodes of this epoch, for the differences to them */
	bool abi1;	     /* nodes as ABI 1 had them */
};

static inline void ring_new(struct test_ring *r)
{
	*r = (struct test_ring){ .data = malloc(2 * RING_SIZE) };
	CHECK(r->data);
	memset(r->data, 0x55, 2 * RING_SIZE);
}

static inline void ring_put(struct test_ring *r, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++, r->head++) {
		r->data[r->head % RING_SIZE] = ((const unsigned char *)p)[i];
		r->data[r->head % RING_SIZE + RING_SIZE] = ((const unsigned char *)p)[i];
	}
}

static inline uint32_t ring_id(const struct test_ring *r, uint32_t node)
{
	return (r->epoch & 0xff) << RINGPROF_NODE_BITS | node;
}

static inline void ring_epoch(struct test_ring *r, uint32_t epoch)
{
	struct ringprof_rec_epoch e = { .rec = { RINGPROF_REC_EPOCH, 0, sizeof(e) },
					.epoch = epoch };

	r->epoch = epoch;
	r->next_node = 1;
	ring_put(r, &e, sizeof(e));
}

static inline void ring_weight(struct test_ring *r, uint64_t weight)
{
	struct ringprof_rec_weight w = { .rec = { RINGPROF_REC_WEIGHT, 0, sizeof(w) },
					 .weight = weight };

	ring_put(r, &w, sizeof(w));
}

static inline void ring_nodes1(struct test_ring *r, uint32_t parent, const uint64_t *addr,
			       uint32_t n)
{
	struct ringprof_rec_nodes h = { .rec = { RINGPROF_REC_NODES, 0,
						 (uint16_t)(sizeof(h) + n * sizeof(*addr)) },
					.parent = ring_id(r, parent),
					.first = ring_id(r, r->next_node),
					.count = n };

	ring_put(r, &h, sizeof(h));
	ring_put(r, addr, n * sizeof(*addr));
}

/* A record of these units, filled up. */
static inline void ring_units(struct test_ring *r, uint32_t parent, const uint16_t *unit,
			      uint32_t n)
{
	uint32_t fill = -n & 3;
	struct ringprof_rec_nodes16 h = { .rec = { RINGPROF_REC_NODES16, (uint8_t)fill,
						   (uint16_t)(sizeof(h) + (n + fill) * 2) },
					  .parent = ring_id(r, parent) };

	ring_put(r, &h, sizeof(h));
	ring_put(r, unit, n * sizeof(*unit));
	ring_put(r, "\0\0\0\0\0", fill * sizeof(*unit));
}

static inline void ring_nodes16(struct test_ring *r, uint32_t parent, const uint64_t *addr,
				uint32_t n)
{
	uint64_t base = parent && parent < r->next_node ? r->addr[parent] : 0;
	uint16_t unit[5 * 4096];
	uint32_t at = 0;

	CHECK(n <= 4096);
	for (uint32_t i = 0; i < n; i++) {
		int64_t d = (int64_t)(addr[i] - base);

		if (d >= -(1 << 14) && d < 1 << 14) {
			unit[at++] = (uint16_t)(d * 2);
		} else if (d >= -(1 << 29) && d < 1 << 29) {
			unit[at++] = (uint16_t)(d * 4 + 1);
			unit[at++] = (uint16_t)((d * 4 + 1) >> 16);
		} else {
			unit[at++] = RINGPROF_NODES_WHOLE;
			for (unsigned int k = 0; k < 64; k += 16)
				unit[at++] = (uint16_t)(addr[i] >> k);
		}
		base = addr[i];
	}
	ring_units(r, parent, unit, at);
}

/* Gives the node of the last address. */
static inline uint32_t ring_nodes(struct test_ring *r, uint32_t parent, const uint64_t *addr,
				  uint32_t n)
{
	CHECK(r->next_node + n <= 4096);
	(r->abi1 ? ring_nodes1 : ring_nodes16)(r, parent, addr, n);
	memcpy(r->addr + r->next_node, addr, n * sizeof(*addr));
	r->next_node += n;
	return r->next_node - 1;
}

static inline void ring_sample(struct test_ring *r, uint32_t node, uint64_t time, uint64_t leaf)
{
	struct ringprof_rec_sample s = { .rec = { RINGPROF_REC_SAMPLE, RINGPROF_SAMPLE_USER_FP,
						  sizeof(s) },
					 .chain = ring_id(r, node),
					 .time = time,
					 .tgid = 100,
					 .tid = 101,
					 .cgroup = 7,
					 .leaf = leaf };

	ring_put(r, &s, sizeof(s));
}

/* A reader's view of all that was put in; ring_writable ends it. */
static inline struct ringprof_cursor ring_cursor(const struct test_ring *r, uint64_t from)
{
	ASAN_POISON_MEMORY_REGION(r->data, 2 * RING_SIZE);
	for (uint64_t p = from; p < r->head; p += 8) {
		ASAN_UNPOISON_MEMORY_REGION(r->data + p % RING_SIZE, 8);
		ASAN_UNPOISON_MEMORY_REGION(r->data + p % RING_SIZE + RING_SIZE, 8);
	}
	return ringprof_cursor(r->data, RING_SIZE, from, r->head);
}

static inline void ring_writable(const struct test_ring *r)
{
	ASAN_UNPOISON_MEMORY_REGION(r->data, 2 * RING_SIZE);
}

#endif
