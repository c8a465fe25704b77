// SPDX-License-Identifier: GPL-2.0
/*
 * Entries are two columns: gaps between locals, which a label set's own
 * numbering keeps small, and counts, which are mostly 1: of those there is how
 * many come in a row, and what the next one is. Each column is packed by
 * itself, for each has a distribution of its own. Weights are mostly count
 * times period; where all are, there is no third column. In the first version
 * the counts were plain numbers.
 */
#include "store/code_int.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "store/varint.h"

#define CHECK_BYTES 2
#define MAX_COLUMN  21 /* bytes of an entry in one: a pair of numbers at most */

void code_put_check(struct buf *b, size_t from)
{
	uint64_t h = b->err ? 0 : XXH64(b->data + from, b->len - from, 0);
	uint8_t c[CHECK_BYTES] = { (uint8_t)h, (uint8_t)(h >> 8) };

	buf_append(b, c, sizeof(c));
}

struct bytes code_checked(const void *p, size_t len)
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

/*
 * Texts repeat each other: higher levels take several times the instructions for a
 * few bytes less (make bench-history prints the bytes beside their bound). The logs
 * keep what a packer holds small, whatever it is given: it stays from window to
 * window. In columns of small numbers what looks like a repetition is chance mostly, and
 * costs more than the numbers: long ones alone are looked for, and not for long.
 */
static void set_parameters(ZSTD_CCtx *z, enum code_kind kind)
{
	bool texts = kind == CODE_TEXTS;

	ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, texts ? 4 : 1);
	ZSTD_CCtx_setParameter(z, ZSTD_c_minMatch, texts ? 0 : 7);
	ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, 18);
	ZSTD_CCtx_setParameter(z, ZSTD_c_hashLog, texts ? 15 : 0);
	ZSTD_CCtx_setParameter(z, ZSTD_c_chainLog, texts ? 15 : 0);
}

int code_pack(ZSTD_CCtx *z, enum code_kind kind, const struct buf *raw, struct buf *out)
{
	size_t bound = ZSTD_compressBound(raw->len), n;
	cleanup_free void *room = malloc(bound);

	if (raw->err || !room)
		return -ENOMEM;
	set_parameters(z, kind);
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

int code_unpack(ZSTD_DCtx *z, struct bytes *in, size_t max, struct buf *out)
{
	size_t raw = get_below(in, (max < CODE_MAX_RAW ? max : CODE_MAX_RAW) + 1ULL),
	       packed = get_below(in, CODE_MAX_RAW), n;
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

/* So many ones, then another count. */
static void put_run(struct buf *b, uint32_t ones, uint64_t count)
{
	/* 0, 2, 3, ... */
	put_pair(b, ones, count ? count - 1 : 0);
}

static void put_counts(const struct code_entry *e, uint32_t n, struct buf *b)
{
	uint32_t ones = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (e[i].count == 1) {
			ones++;
			continue;
		}
		put_run(b, ones, e[i].count);
		ones = 0;
	}
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
		if (weights)
			put_signed(&cols[2], (int64_t)(e[i].weight - e[i].count * h->period));
	}
	put_counts(e, n, &cols[1]);
}

/* gaps of time, entries, CPUs: each a column, for each has a distribution of its own */
static void put_samples(const struct code_head *h, struct buf cols[3])
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < h->n_samples; i++) {
		const struct raw_sample *s = &h->samples[i];

		put_varint(&cols[0], s->us - last);
		last = s->us;
		put_varint(&cols[1], s->entry);
		put_varint(&cols[2], s->cpu);
	}
}

int code_window(ZSTD_CCtx *z, struct code_head *head, const struct code_entry *e, uint32_t n,
		struct buf *out_head, struct buf *out_data)
{
	struct buf cols[6] = { 0 };
	size_t from = out_data->len;
	int r = sum_series(head, e, n);

	if (!r)
		put_columns(head, e, n, cols);
	if (!r)
		put_samples(head, cols + 3);
	for (int i = 0; i < 6; i++) {
		if (!r && (i < 3 || head->samples))
			r = code_pack(z, CODE_NUMBERS, &cols[i], out_data);
		buf_free(&cols[i]);
	}
	if (r)
		return r;
	code_put_check(out_data, from);
	code_put_head(head, out_head);
	return out_data->err ? out_data->err : out_head->err;
}

struct columns {
	struct bytes gaps, counts, weights;
	bool runs;     /* see put_run */
	uint64_t ones; /* still to come of the run */
	uint64_t then; /* what follows it */
	bool open;     /* `then` is still to come */
};

static uint64_t next_count(struct columns *c)
{
	if (!c->runs)
		return get_varint(&c->counts);
	if (!c->open && c->counts.p == c->counts.end)
		return 1; /* ones up to the end */
	if (!c->open) {
		get_pair(&c->counts, &c->ones, &c->then);
		c->then += c->then ? 1 : 0;
		c->open = true;
	}
	if (c->ones) {
		c->ones--;
		return 1;
	}
	c->open = false;
	return c->then;
}

/* One label set's entries; ret NULL: passes over them. */
static int read_set(struct columns *c, const struct code_head *h, const struct code_series *cs,
		    const struct dict *d, struct window_entry *ret)
{
	const struct dict_series *ds = &d->series[cs->series];
	uint64_t local = 0;

	for (uint32_t i = 0; i < cs->entries; i++) {
		uint64_t gap = get_varint(&c->gaps), count = next_count(c);
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
	const uint8_t *p = (const uint8_t *)b->data;

	return (struct bytes){ .p = p, .end = p ? p + b->len : NULL };
}

int decode_data(ZSTD_DCtx *z, const void *p, size_t len, const struct code_head *head,
		const struct dict *d, const uint8_t *take, struct window_entry *ret,
		uint32_t *n_ret)
{
	struct bytes in = code_checked(p, len);
	struct buf cols[3] = { 0 };
	struct columns c = { .runs = head->version > 1 };
	int r = in.bad ? -EBADMSG : 0;
	uint64_t entries = 0;

	for (uint32_t i = 0; i < head->n_series; i++)
		entries += head->series[i].entries;
	for (int i = 0; !r && i < 3; i++)
		r = code_unpack(z, &in, entries * MAX_COLUMN, &cols[i]);
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

static int read_samples(struct bytes c[3], uint32_t n_entries, struct raw_sample *ret, uint32_t n)
{
	uint64_t us = 0;

	for (uint32_t i = 0; i < n; i++) {
		us += get_varint(&c[0]);
		ret[i].us = (uint32_t)us;
		ret[i].entry = get_below(&c[1], n_entries);
		ret[i].cpu = (uint16_t)get_below(&c[2], UINT16_MAX + 1U);
		if (c[0].bad || c[1].bad || c[2].bad || us > UINT32_MAX)
			return -EBADMSG;
	}
	return c[1].p == c[1].end ? 0 : -EBADMSG;
}

/* Numbers end with a byte below 0x80. */
static uint32_t count_numbers(const struct buf *b)
{
	uint32_t n = 0;

	for (size_t i = 0; i < b->len; i++)
		n += !(b->data[i] & 0x80);
	return n;
}

int decode_samples(ZSTD_DCtx *z, const void *p, size_t len, uint32_t n_entries,
		   struct raw_sample **ret, uint32_t *n)
{
	struct bytes in = code_checked(p, len), c[3];
	struct buf cols[6] = { 0 };
	int r = in.bad ? -EBADMSG : 0;

	*ret = NULL;
	*n = 0;
	for (int i = 0; !r && i < 6; i++)
		r = code_unpack(z, &in, CODE_MAX_RAW, &cols[i]);
	if (!r) {
		*n = count_numbers(&cols[4]);
		*ret = malloc((*n + 1UL) * sizeof(**ret));
		r = *ret ? 0 : -ENOMEM;
	}
	for (int i = 0; i < 3; i++)
		c[i] = column(&cols[3 + i]);
	if (!r)
		r = read_samples(c, n_entries, *ret, *n);
	for (int i = 0; i < 6; i++)
		buf_free(&cols[i]);
	if (r) {
		free(*ret);
		*ret = NULL;
		*n = 0;
	}
	return r;
}
