// SPDX-License-Identifier: GPL-2.0
/*
 * Perf's ring, as no kernel would leave it. Input: a byte that says where in
 * the area the bytes begin (records then lie across its end), a byte for what
 * the sampling event asks for, and the bytes. What lies outside is poisoned.
 */
#include <stdlib.h>
#include <string.h>

#include <sanitizer/asan_interface.h>

#include "fuzz.h"
#include "source/perf_record.h"
#include "source/perf_ring.h"

#define SIZE 16384U

static unsigned char area[SIZE] __attribute__((aligned(4096)));
static struct perf_event_mmap_page page;
static uint64_t seen; /* what is read is used, or nothing would be read */

static void must(int good)
{
	if (!good)
		abort();
}

static void within(const struct perf_event_header *h, const void *p, size_t n)
{
	const char *from = (const char *)h, *at = p;

	must(!n || (at >= from && n <= h->size && at + n <= from + h->size));
}

static void see_sample(const struct perf_event_header *h, uint64_t type)
{
	struct perf_sample s;

	if (!perf_parse_sample(h, type, &s))
		return;
	within(h, s.ips, s.n_ips * sizeof(*s.ips));
	for (uint64_t i = 0; i < s.n_ips; i++)
		seen += s.ips[i];
	within(h, s.stack, s.stack_len);
	for (size_t i = 0; i < s.stack_len; i++)
		seen += ((const unsigned char *)s.stack)[i];
	must(s.abi || !(type & PERF_SAMPLE_REGS_USER) || !s.stack_len);
}

static void see_side(const struct perf_event_header *h)
{
	struct event ev;

	seen += perf_record_time(h) + perf_record_lost(h);
	if (!perf_parse_side(h, &ev))
		return;
	if (ev.type == EV_MMAP)
		within(h, ev.mmap.path, strlen(ev.mmap.path) + 1);
	if (ev.type == EV_COMM)
		within(h, ev.comm.name, strlen(ev.comm.name) + 1);
}

/* A ring's records stand in its area, or, those across its end, in scratch. */
static void read_all(struct perf_ring *r, uint64_t type)
{
	const struct perf_event_header *h;

	while ((h = perf_ring_next(r))) {
		/* in a block of its own: what is read beyond it is found */
		void *copy = malloc(h->size);

		memcpy(copy, h, h->size);
		if (h->type == PERF_RECORD_SAMPLE)
			see_sample(copy, type);
		else
			see_side(copy);
		free(copy);
		perf_ring_release(r, false);
	}
	must(r->pos == r->head && page.data_tail <= r->head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char scratch[65536] __attribute__((aligned(8)));
	struct perf_ring r = {
		.fd = -1, .page = &page, .data = area, .size = SIZE, .scratch = scratch
	};
	uint64_t type = PERF_SAMPLING_TYPE;
	size_t n;

	if (size < 2)
		return 0;
	if (data[1] & 1)
		type |= PERF_SAMPLE_CGROUP;
	if (data[1] & 2)
		type |= PERF_USER_TYPE;
	n = size - 2 < SIZE ? size - 2 : SIZE;
	r.pos = 3 * SIZE - 8 * (uint64_t)data[0];
	page.data_tail = r.pos;
	page.data_head = r.pos + n;
	ASAN_POISON_MEMORY_REGION(area, sizeof(area));
	for (size_t i = 0; i < n; i++) {
		size_t at = (r.pos + i) % SIZE;

		ASAN_UNPOISON_MEMORY_REGION(area + at / 8 * 8, 8);
		area[at] = data[2 + i];
	}
	perf_ring_note(&r);
	read_all(&r, type);
	ASAN_UNPOISON_MEMORY_REGION(area, sizeof(area));
	return 0;
}
