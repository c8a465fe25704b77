// SPDX-License-Identifier: GPL-2.0
/*
 * What history files hold: segments of a dictionary, heads and data of
 * windows. Input: the lengths (16 bits each) of a first and a second segment,
 * a head, the columns of gaps, of counts; then these, and the column of weights.
 * zstd and the checks at the blobs' ends are put around them here: a fuzzer
 * would not get past them. What is read refers to nothing that is not there.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "fuzz.h"
#include "store/code.h"

#define PARTS 6

static void must(int good)
{
	if (!good)
		abort();
}

static void cut(const uint8_t *data, size_t size, struct buf part[PARTS])
{
	size_t at = 2 * (PARTS - 1);

	for (int i = 0; i < PARTS; i++) {
		size_t len = i < PARTS - 1 ? data[2 * i] | (size_t)data[2 * i + 1] << 8 : size;

		if (len > size - at)
			len = size - at;
		buf_append(&part[i], data + at, len);
		at += len;
	}
}

static void put_check(struct buf *b)
{
	uint64_t h = XXH64(b->data ? b->data : "", b->len, 0);
	uint8_t c[2] = { (uint8_t)h, (uint8_t)(h >> 8) };

	buf_append(b, c, sizeof(c));
}

static void see_dict(const struct dict *d)
{
	uint32_t counts[6];

	model_counts(d->model, counts);
	for (uint32_t i = 0; i < counts[1]; i++)
		must(model_frame(d->model, i)->object < counts[0]);
	for (uint32_t i = 1; i < counts[2]; i++) {
		must(model_stack(d->model, i)->parent < i);
		must(model_stack(d->model, i)->frame < counts[1]);
	}
	must(d->n_series == counts[3] && counts[4] == counts[3] && counts[5] == counts[3]);
	for (size_t s = 0; s < d->n_series; s++)
		for (uint32_t i = 0; i < d->series[s].n; i++)
			must(d->series[s].code[i] / 2 < counts[2]);
}

static void see_names(const struct dict *d)
{
	uint32_t counts[6];
	struct sym_answer a;
	uint64_t vaddr;

	model_counts(d->model, counts);
	for (uint32_t i = 0; i < counts[1]; i++) {
		const struct model_frame *f = model_frame(d->model, i);
		const struct model_object *o = model_object(d->model, f->object);

		if (!o->stored || !stored_name(o->stored, f->off, &a))
			continue;
		for (uint32_t l = 0; l < a.n; l++)
			must(a.lines[l].name && a.lines[l].file && a.lines[l].system_name);
		stored_vaddr(o->stored, f->off, &vaddr);
	}
}

static void see_data(const struct dict *d, const struct code_head *head, const struct buf *blob)
{
	uint64_t sum = 0;
	static ZSTD_DCtx *z; /* dear to make, so one for all inputs */
	struct window_entry *e;
	uint8_t *take;
	uint32_t n;

	for (uint32_t i = 0; i < head->n_series; i++)
		sum += head->series[i].entries;
	if (sum > 100000)
		return; /* as much memory as it says; who calls has a limit */
	z = z ? z : ZSTD_createDCtx();
	e = malloc((sum + 1) * sizeof(*e));
	take = malloc(head->n_series + 1U);
	memset(take, 1, head->n_series + 1U);
	if (!decode_data(z, blob->data, blob->len, head, d, take, e, &n)) {
		must(n == sum);
		for (uint32_t i = 0; i < n; i++)
			must(model_thread(d->model, e[i].thread) && e[i].thread < d->n_series);
	}
	free(take);
	free(e);
}

static void see_window(const struct dict *d, struct buf part[PARTS])
{
	static ZSTD_CCtx *z;
	struct buf blob = { 0 };
	struct code_head head;

	z = z ? z : ZSTD_createCCtx();
	put_check(&part[2]);
	for (int i = 3; i < PARTS; i++)
		code_pack(z, CODE_NUMBERS, &part[i], &blob);
	put_check(&blob);
	if (!decode_head(part[2].data, part[2].len, (uint32_t)d->n_series, &head)) {
		for (uint32_t i = 0; i < head.n_series; i++)
			must(head.series[i].series < d->n_series);
		see_data(d, &head, &blob);
		free(head.series);
	}
	buf_free(&blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf part[PARTS] = { 0 };
	struct dict *d = dict_new();

	if (!d || size < 2 * (PARTS - 1)) {
		dict_unref(d);
		return 0;
	}
	cut(data, size, part);
	if (!dict_read(d, part[0].data ? part[0].data : "", part[0].len) &&
	    !dict_read(d, part[1].data ? part[1].data : "", part[1].len)) {
		see_dict(d);
		see_names(d);
		see_window(d, part);
	}
	for (int i = 0; i < PARTS; i++)
		buf_free(&part[i]);
	dict_unref(d);
	return 0;
}
