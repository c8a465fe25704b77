// SPDX-License-Identifier: GPL-2.0
/*
 * Entries are two columns: gaps between locals, which a label set's own
 * numbering keeps small, and counts, which are mostly 1. Each column is packed
 * by itself, for each has a distribution of its own. Weights are mostly count
 * times period; where all are, there is no third column.
 */
#include "store/code.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "store/varint.h"

#define CHECK_BYTES 2

static void put_check(struct buf *b, size_t from)
{
	uint64_t h = b->err ? 0 : XXH64(b->data + from, b->len - from, 0);
	uint8_t c[CHECK_BYTES] = { (uint8_t)h, (uint8_t)(h >> 8) };

	buf_append(b, c, sizeof(c));
}

/* What is before the check; bad when it does not hold. */
static struct bytes checked(const void *p, size_t len)
{
	struct bytes in = { .p = p, .end = p, .bad = true };
	const uint8_t *end;
	uint64_t h;

	if (len < CHECK_BYTES)
		return in;
	end = in.p + len - CHECK_BYTES;
	h = XXH64(p, len - CHECK_BYTES, 0);
	if (end[0] != (uint8_t)h || end[1] != (uint8_t)(h >> 8))
		return in;
	in.end = end;
	in.bad = false;
	return in;
}

int code_pack(ZSTD_CCtx *z, const struct buf *raw, struct buf *out)
{
	size_t bound = ZSTD_compressBound(raw->len), n;
	cleanup_free void *room = malloc(bound);

	if (raw->err || !room)
		return -ENOMEM;
	n = ZSTD_compress2(z, room, bound, raw->data ? raw->data : "", raw->len);
	if (ZSTD_isError(n))
		return -EIO;
	put_varint(out, raw->len);
	/* what does not get smaller stays as it is: length 0 says so */
	put_varint(out, n < raw->len ? n : 0);
	if (n < raw->len)
		buf_append(out, room, n);
	else
		buf_append(out, raw->data ? raw->data : "", raw->len);
	return out->err;
}

int code_unpack(ZSTD_DCtx *z, struct bytes *in, struct buf *out)
{
	size_t raw = get_below(in, CODE_MAX_RAW), packed = get_below(in, CODE_MAX_RAW), n;
	const uint8_t *p = get_bytes(in, packed ? packed : raw);

	if (in->bad)
		return -EBADMSG;
	buf_reset(out);
	if (buf_reserve(out, raw + 1))
		return -ENOMEM;
	if (packed) {
		n = ZSTD_decompressDCtx(z, out->data, raw, p, packed);
		if (ZSTD_isError(n) || n != raw)
			return -EBADMSG;
	} else {
		memcpy(out->data, p, raw);
	}
	out->len = raw;
	return 0;
}

static int sum_series(struct code_head *h, const struct code_entry *e, uint32_t n)
{
	uint32_t sets = 0;

	for (uint32_t i = 0; i < n; i++)
		sets += !i || e[i].series != e[i - 1].series;
	h->series = calloc(sets + 1U, sizeof(*h->series));
	h->n_series = 0;
	if (!h->series)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		struct code_series *s;

		if (!i || e[i].series != e[i - 1].series)
			h->series[h->n_series++].series = e[i].series;
		s = &h->series[h->n_series - 1];
		s->entries++;
		s->samples += e[i].count;
		s->weight += e[i].weight;
	}
	return 0;
}

static void put_head(const struct code_head *h, struct buf *b)
{
	size_t from = b->len;
	uint32_t last = 0;

	put_varint(b, h->covered);
	put_varint(b, h->period);
	put_varint(b, h->idle);
	put_varint(b, h->unit);
	put_varint(b, h->cpus);
	put_varint(b, h->n_losses);
	for (uint32_t i = 0; i < h->n_losses; i++) {
		put_varint(b, h->losses[i].mark);
		put_varint(b, h->losses[i].count);
		put_varint(b, h->losses[i].weight);
	}
	put_varint(b, h->n_series);
	for (uint32_t i = 0; i < h->n_series; i++) {
		const struct code_series *s = &h->series[i];

		put_varint(b, s->series - last);
		put_varint(b, s->entries);
		put_varint(b, s->samples);
		put_signed(b, (int64_t)(s->weight - s->samples * h->period));
		last = s->series;
	}
	put_check(b, from);
}

static void put_columns(const struct code_head *h, const struct code_entry *e, uint32_t n,
			struct buf cols[3])
{
	bool weights = false;
	uint32_t next = 0;

	for (uint32_t i = 0; i < n; i++)
		weights = weights || e[i].weight != e[i].count * h->period;
	for (uint32_t i = 0; i < n; i++) {
		if (!i || e[i].series != e[i - 1].series)
			next = 0;
		put_varint(&cols[0], e[i].local - next);
		next = e[i].local + 1;
		put_varint(&cols[1], e[i].count);
		if (weights)
			put_signed(&cols[2], (int64_t)(e[i].weight - e[i].count * h->period));
	}
}

int code_window(ZSTD_CCtx *z, struct code_head *head, const struct code_entry *e, uint32_t n,
		struct buf *out_head, struct buf *out_data)
{
	struct buf cols[3] = { 0 };
	size_t from = out_data->len;
	int r = sum_series(head, e, n);

	if (!r)
		put_columns(head, e, n, cols);
	for (int i = 0; i < 3; i++) {
		if (!r)
			r = code_pack(z, &cols[i], out_data);
		buf_free(&cols[i]);
	}
	if (r)
		return r;
	put_check(out_data, from);
	put_head(head, out_head);
	return out_data->err ? out_data->err : out_head->err;
}

static int read_series(struct bytes *in, uint32_t max_series, struct code_head *h)
{
	uint64_t number = 0;

	h->n_series = get_count(in);
	h->series = calloc(h->n_series + 1U, sizeof(*h->series));
	if (!h->series)
		return -ENOMEM;
	for (uint32_t i = 0; i < h->n_series && !in->bad; i++) {
		struct code_series *s = &h->series[i];

		number += get_below(in, max_series);
		s->series = (uint32_t)number;
		s->entries = get_below(in, CODE_MAX_RAW);
		s->samples = get_varint(in);
		s->weight = s->samples * h->period + (uint64_t)get_signed(in);
		if (number >= max_series)
			in->bad = true;
	}
	return in->bad ? -EBADMSG : 0;
}

int decode_head(const void *p, size_t len, uint32_t max_series, struct code_head *ret)
{
	struct bytes in = checked(p, len);
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->covered = get_varint(&in);
	ret->period = get_varint(&in);
	ret->idle = get_varint(&in);
	ret->unit = get_below(&in, UINT32_MAX);
	ret->cpus = get_below(&in, UINT32_MAX);
	ret->n_losses = get_below(&in, CODE_MAX_LOSSES + 1);
	for (uint32_t i = 0; i < ret->n_losses; i++) {
		ret->losses[i].mark = get_below(&in, UINT32_MAX);
		ret->losses[i].count = get_varint(&in);
		ret->losses[i].weight = get_varint(&in);
	}
	if (in.bad)
		return -EBADMSG;
	r = read_series(&in, max_series, ret);
	if (!r && in.p != in.end)
		r = -EBADMSG;
	if (r) {
		free(ret->series);
		ret->series = NULL;
	}
	return r;
}

struct columns {
	struct bytes gaps, counts, weights;
};

/* One label set's entries; ret NULL: passes over them. */
static int read_set(struct columns *c, const struct code_head *h, const struct code_series *cs,
		    const struct dict *d, struct window_entry *ret)
{
	const struct dict_series *ds = &d->series[cs->series];
	uint64_t local = 0;

	for (uint32_t i = 0; i < cs->entries; i++) {
		uint64_t gap = get_varint(&c->gaps), count = get_varint(&c->counts);
		uint64_t extra = c->weights.p ? (uint64_t)get_signed(&c->weights) : 0;

		if (c->gaps.bad || c->counts.bad || c->weights.bad || count > UINT32_MAX)
			return -EBADMSG;
		local += gap;
		if (gap >= ds->n || local >= ds->n)
			return -EBADMSG;
		if (ret)
			ret[i] = (struct window_entry){ .stack = ds->code[local] / 2,
							.thread = cs->series,
							.flags = ds->code[local] & 1 ? ENTRY_KERNEL
										     : 0,
							.count = (uint32_t)count,
							.weight = count * h->period + extra };
		local++;
	}
	return 0;
}

static struct bytes column(const struct buf *b)
{
	return (struct bytes){ .p = (const uint8_t *)b->data,
			       .end = (const uint8_t *)b->data + b->len };
}

int decode_data(ZSTD_DCtx *z, const void *p, size_t len, const struct code_head *head,
		const struct dict *d, const uint8_t *take, struct window_entry *ret,
		uint32_t *n_ret)
{
	struct bytes in = checked(p, len);
	struct buf cols[3] = { 0 };
	struct columns c = { 0 };
	int r = in.bad ? -EBADMSG : 0;

	for (int i = 0; !r && i < 3; i++)
		r = code_unpack(z, &in, &cols[i]);
	if (!r) {
		c.gaps = column(&cols[0]);
		c.counts = column(&cols[1]);
		if (cols[2].len)
			c.weights = column(&cols[2]);
	}
	*n_ret = 0;
	for (uint32_t i = 0; !r && i < head->n_series; i++) {
		r = read_set(&c, head, &head->series[i], d, take[i] ? ret + *n_ret : NULL);
		if (take[i])
			*n_ret += head->series[i].entries;
	}
	for (int i = 0; i < 3; i++)
		buf_free(&cols[i]);
	return r;
}
