/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers in the blobs of history files: LEB128, small ones in one byte;
 * signed ones zigzag. Reading never goes past the end: what is bad reads as 0
 * and is remembered, so that decoders check once per loop.
 */
#ifndef RINGPROF_STORE_VARINT_H
#define RINGPROF_STORE_VARINT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

static inline uint64_t zigzag(int64_t v)
{
	return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static inline int64_t unzigzag(uint64_t v)
{
	return (int64_t)((v >> 1) ^ (~(v & 1) + 1));
}

#define VARINT_MAX 10 /* bytes */

/* Some dozens for each stack that a file learns: in place, where there is room. */
static inline void put_varint(struct buf *b, uint64_t v)
{
	if (b->len + VARINT_MAX >= b->cap && buf_reserve(b, VARINT_MAX))
		return;
	for (; v >= 0x80; v >>= 7)
		b->data[b->len++] = (char)(v | 0x80);
	b->data[b->len++] = (char)v;
	b->data[b->len] = '\0';
}

static inline void put_signed(struct buf *b, int64_t v)
{
	put_varint(b, zigzag(v));
}

struct bytes {
	const uint8_t *p, *end;
	bool bad;
};

static inline uint64_t get_varint(struct bytes *in)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint8_t c;

		if (in->p == in->end)
			break;
		c = *in->p++;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return v;
	}
	in->bad = true;
	return 0;
}

static inline int64_t get_signed(struct bytes *in)
{
	return unzigzag(get_varint(in));
}

/* The next of numbers stored as differences; wraps around, so the caller checks its range. */
static inline int64_t get_next(int64_t last, struct bytes *in)
{
	return (int64_t)((uint64_t)last + (uint64_t)get_signed(in));
}

/* A number below limit; bad, and 0, otherwise. */
static inline uint32_t get_below(struct bytes *in, uint64_t limit)
{
	uint64_t v = get_varint(in);

	if (v < limit && v <= UINT32_MAX)
		return (uint32_t)v;
	in->bad = true;
	return 0;
}

/* A count of things that take at least a byte each: so never more than what is left. */
static inline uint32_t get_count(struct bytes *in)
{
	return get_below(in, (uint64_t)(in->end - in->p) + 1);
}

/* n bytes in place; NULL and bad when there are fewer. */
static inline const uint8_t *get_bytes(struct bytes *in, size_t n)
{
	const uint8_t *p = in->p;

	if ((size_t)(in->end - in->p) < n) {
		in->bad = true;
		return NULL;
	}
	in->p += n;
	return p;
}

#define HALF_BITS 4 /* two numbers in a byte; what is this one or more follows it */
#define HALF_MAX  15

/* Two numbers that are small mostly. */
static inline void put_pair(struct buf *b, uint64_t first, uint64_t second)
{
	uint64_t high = first < HALF_MAX ? first : HALF_MAX;
	uint64_t low = second < HALF_MAX ? second : HALF_MAX;
	uint8_t c = (uint8_t)(high << HALF_BITS | low);

	buf_append(b, &c, 1);
	if (high == HALF_MAX)
		put_varint(b, first - HALF_MAX);
	if (low == HALF_MAX)
		put_varint(b, second - HALF_MAX);
}

static inline void get_pair(struct bytes *in, uint64_t *first, uint64_t *second)
{
	const uint8_t *p = get_bytes(in, 1);
	uint8_t c = p ? *p : 0;

	*first = c >> HALF_BITS;
	*second = c & HALF_MAX;
	if (*first == HALF_MAX)
		*first += get_varint(in);
	if (*second == HALF_MAX)
		*second += get_varint(in);
}

#endif
