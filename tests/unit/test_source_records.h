/* SPDX-License-Identifier: GPL-2.0 */
/* Perf's records made by hand, and a ring for them in plain memory. */
#ifndef RINGPROF_TESTS_TEST_SOURCE_RECORDS_H
#define RINGPROF_TESTS_TEST_SOURCE_RECORDS_H

#include <stdlib.h>
#include <string.h>

#include <linux/ringprof.h>

#include "source/perf_record.h"
#include "source/perf_ring.h"
#include "tap.h"

/* A record in a heap block of exactly its size. */
struct rec {
	unsigned char *p;
	uint16_t n;
};

static inline void put(struct rec *r, const void *p, size_t n)
{
	r->p = realloc(r->p, r->n + n);
	CHECK(r->p);
	memcpy(r->p + r->n, p, n);
	r->n = (uint16_t)(r->n + n);
}

static inline void put32(struct rec *r, uint32_t v)
{
	put(r, &v, sizeof(v));
}

static inline void put64(struct rec *r, uint64_t v)
{
	put(r, &v, sizeof(v));
}

static inline struct rec start(uint32_t type, uint16_t misc)
{
	struct perf_event_header h = { .type = type, .misc = misc };
	struct rec r = { 0 };

	put(&r, &h, sizeof(h));
	return r;
}

static inline const struct perf_event_header *end(struct rec *r)
{
	((struct perf_event_header *)r->p)->size = r->n;
	return (const void *)r->p;
}

/* What sample_id_all appends. */
static inline const struct perf_event_header *end_id(struct rec *r)
{
	put32(r, 100);
	put32(r, 101);
	put64(r, 12345);
	put32(r, 3);
	put32(r, 0);
	return end(r);
}

#define SIZE 4096U

struct fake {
	struct perf_ring ring;
	uint64_t head;
};

static inline void fake_new(struct fake *f)
{
	unsigned char *p = aligned_alloc(4096, 4096 + SIZE);

	CHECK(p);
	memset(p, 0, 4096 + SIZE);
	*f = (struct fake){ .ring = {
				    .fd = -1, .page = (void *)p, .data = p + 4096, .size = SIZE } };
	f->ring.scratch = malloc(65536);
	CHECK(f->ring.scratch);
}

static inline void fake_free(struct fake *f)
{
	free(f->ring.page);
	free(f->ring.scratch);
}

#endif
