// SPDX-License-Identifier: GPL-2.0
/*
 * The head of a window: columns over its label sets, too small to be packed.
 *
 * Heads of the first version are read as well: they do not begin with a 0, and
 * go label set by label set.
 */
#include <errno.h>
#include <stdlib.h>

#include "store/code_int.h"

enum { HEAD_WEIGHTS = 1 }; /* not all weights are samples times period */

/* Numbers of label sets: how many are passed over, how many follow in a row. */
static void put_numbers(const struct code_head *h, struct buf *b)
{
	uint32_t next = 0, run;

	for (uint32_t i = 0; i < h->n_series; i += run) {
		uint32_t first = h->series[i].series;

		for (run = 1; i + run < h->n_series; run++)
			if (h->series[i + run].series != first + run)
				break;
		put_varint(b, first - next);
		put_varint(b, run);
		next = first + run;
	}
}

/* An entry has a sample or more, nearly always; less wraps around. */
static uint64_t more_samples(const struct code_series *s)
{
	return s->samples - s->entries;
}

static uint64_t extra_weight(const struct code_head *h, const struct code_series *s)
{
	return s->weight - s->samples * h->period;
}

static void put_series(const struct code_head *h, struct buf *b)
{
	bool weights = false;

	for (uint32_t i = 0; i < h->n_series; i++)
		weights = weights || extra_weight(h, &h->series[i]);
	put_varint(b, h->n_series);
	put_varint(b, weights ? HEAD_WEIGHTS : 0);
	put_numbers(h, b);
	for (uint32_t i = 0; i < h->n_series; i++)
		put_varint(b, h->series[i].entries);
	for (uint32_t i = 0; i < h->n_series; i += 2)
		put_pair(b, more_samples(&h->series[i]),
			 i + 1 < h->n_series ? more_samples(&h->series[i + 1]) : 0);
	for (uint32_t i = 0; weights && i < h->n_series; i++)
		put_signed(b, (int64_t)extra_weight(h, &h->series[i]));
}

void code_put_head(const struct code_head *h, struct buf *b)
{
	size_t from = b->len;

	put_varint(b, 0); /* not of the first version: there it is how long it covers */
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
	put_series(h, b);
	code_put_check(b, from);
}

/* The first version: one label set after the other. */
static int read_series_1(struct bytes *in, uint32_t max_series, struct code_head *h)
{
	uint64_t number = 0;

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

static int read_numbers(struct bytes *in, uint32_t max_series, struct code_head *h)
{
	uint64_t next = 0;

	for (uint32_t i = 0; i < h->n_series && !in->bad;) {
		uint32_t skip = get_below(in, max_series), run = get_below(in, max_series + 1ULL);

		next += skip;
		if (!run || run > h->n_series - i || next + run > max_series)
			return -EBADMSG;
		while (run--)
			h->series[i++].series = (uint32_t)next++;
	}
	return in->bad ? -EBADMSG : 0;
}

static int read_series(struct bytes *in, uint32_t max_series, struct code_head *h)
{
	uint32_t flags = get_below(in, HEAD_WEIGHTS + 1);
	int r = read_numbers(in, max_series, h);

	if (r)
		return r;
	for (uint32_t i = 0; i < h->n_series; i++)
		h->series[i].entries = get_below(in, CODE_MAX_RAW);
	for (uint32_t i = 0; i < h->n_series; i += 2) {
		uint64_t more[2];

		get_pair(in, &more[0], &more[1]);
		for (uint32_t k = i; k < i + 2 && k < h->n_series; k++)
			h->series[k].samples = h->series[k].entries + more[k - i];
	}
	for (uint32_t i = 0; i < h->n_series; i++)
		h->series[i].weight = h->series[i].samples * h->period +
				      (flags & HEAD_WEIGHTS ? (uint64_t)get_signed(in) : 0);
	return in->bad ? -EBADMSG : 0;
}

int decode_head(const void *p, size_t len, uint32_t max_series, struct code_head *ret)
{
	struct bytes in = code_checked(p, len);
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->covered = get_varint(&in);
	ret->version = ret->covered ? 1 : 2;
	if (ret->version == 2)
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
	/* a label set takes more than a byte in either version */
	ret->n_series = get_count(&in);
	if (in.bad)
		return -EBADMSG;
	ret->series = calloc(ret->n_series + 1U, sizeof(*ret->series));
	if (!ret->series)
		return -ENOMEM;
	r = ret->version == 1 ? read_series_1(&in, max_series, ret)
			      : read_series(&in, max_series, ret);
	if (!r && in.p != in.end)
		r = -EBADMSG;
	if (r) {
		free(ret->series);
		ret->series = NULL;
	}
	return r;
}
