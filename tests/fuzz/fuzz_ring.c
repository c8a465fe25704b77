// SPDX-License-Identifier: GPL-2.0
/*
 * The module's ring, as any party that can write it may leave it. Input: a byte
 * that says where in the area it begins (records then lie across the area's
 * end), a byte for the epoch of the attach, and the bytes of the ring. What
 * lies outside is poisoned; every sample must have a chain from an end mark on.
 */
#include <stdlib.h>
#include <string.h>

#include <sanitizer/asan_interface.h>

#include "fuzz.h"
#include "source/decode.h"

#define SIZE RINGPROF_MIN_DATA_SIZE

static unsigned char area[2 * SIZE] __attribute__((aligned(4096)));

static void must(int good)
{
	if (!good)
		abort();
}

static void fill(uint64_t tail, const uint8_t *data, size_t n)
{
	ASAN_POISON_MEMORY_REGION(area, sizeof(area));
	for (size_t i = 0; i < n; i++) {
		size_t at = (tail + i) % SIZE;

		ASAN_UNPOISON_MEMORY_REGION(area + at, 1);
		ASAN_UNPOISON_MEMORY_REGION(area + at + SIZE, 1);
		area[at] = area[at + SIZE] = data[i];
	}
}

static void see(struct decode *d, struct chains *c, const struct decode_sample *s)
{
	uint32_t id;
	bool deep;

	must(s->node < d->n_nodes && s->weight && s->time <= d->max_time);
	id = decode_chain(d, c, s->node, &deep);
	if (id == CHAIN_NONE)
		return;
	must(!id == !s->node);
	while (chain_parent(c, id))
		id = chain_parent(c, id);
	must(!id || (chain_addr(c, id) & RINGPROF_END_MASK) == RINGPROF_END_MARK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chains *c = chains_new(1 << 20);
	struct ringprof_cursor at;
	struct decode_sample s;
	struct decode d;
	uint64_t tail;
	size_t n;

	if (!c || size < 2) {
		chains_free(c);
		return 0;
	}
	n = size - 2 < SIZE ? (size - 2) & ~(size_t)7 : SIZE;
	tail = 3 * SIZE - 8 * (uint64_t)data[0];
	fill(tail, data + 2, n);
	decode_init(&d, data[1], 1024);
	d.max_time = 1ULL << 48;
	at = ringprof_cursor(area, SIZE, tail, tail + n);
	while (decode_next(&d, &at, &s))
		see(&d, c, &s);
	must(at.pos == at.head && d.n_nodes <= 1024);
	/* each byte is dropped once at most, and a sample is 40 of them */
	must(d.corrupt <= n && d.unreadable <= d.corrupt &&
	     (d.detached + d.lost_samples) * sizeof(struct ringprof_rec_sample) <= n);
	ASAN_UNPOISON_MEMORY_REGION(area, sizeof(area));
	decode_free(&d);
	chains_free(c);
	return 0;
}
