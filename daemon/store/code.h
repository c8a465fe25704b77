/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A window as a history file holds it: a head (what it is, what was lost,
 * totals by label set) and the data (entries by label set). Pure functions
 * over buffers. zstd within; both end in a check of 16 bits, so that a bit
 * that turned over on the way is found and not shown.
 */
#ifndef RINGPROF_STORE_CODE_H
#define RINGPROF_STORE_CODE_H

#include <zstd.h>

#include "base/buf.h"
#include "store/dict.h"

#define CODE_MAX_RAW	(64U << 20) /* of one blob, unpacked */
#define CODE_MAX_LOSSES 64U

struct code_entry {
	uint32_t series, local;
	uint64_t count, weight;
};

struct code_series {
	uint32_t series, entries;
	uint64_t samples, weight;
};

struct code_head {
	uint32_t version; /* of the window that was read, 1 or 2; windows are written as 2 */
	uint64_t covered; /* ns of it in which samples could come */
	uint64_t period, idle;
	uint32_t unit, cpus;
	uint32_t n_losses, n_series;
	struct window_loss losses[CODE_MAX_LOSSES];
	struct code_series *series; /* by number */
	/* single samples in order of time, of raw files; written behind the entries, not read */
	const struct raw_sample *samples;
	uint32_t n_samples;
};

/*
 * Appends the head and the data of n entries, sorted by (series, local); fills
 * head->series, which the caller frees. 0, -ENOMEM or -EIO (zstd).
 */
int code_window(ZSTD_CCtx *z, struct code_head *head, const struct code_entry *e, uint32_t n,
		struct buf *out_head, struct buf *out_data);
/* 0, -ENOMEM, -EBADMSG; head->series is the caller's to free. */
int decode_head(const void *p, size_t len, uint32_t max_series, struct code_head *ret);
/*
 * Entries of those label sets i whose take[i] is set (i: place in head->series)
 * into ret, which has room for all of them; thread and stack are numbers of the
 * dictionary's model. 0, -ENOMEM, -EBADMSG.
 */
int decode_data(ZSTD_DCtx *z, const void *p, size_t len, const struct code_head *head,
		const struct dict *d, const uint8_t *take, struct window_entry *ret,
		uint32_t *n_ret);

/*
 * The samples behind the data, none of an entry that is not there; *ret is the
 * caller's to free. 0, -ENOMEM, -EBADMSG.
 */
int decode_samples(ZSTD_DCtx *z, const void *p, size_t len, uint32_t n_entries,
		   struct raw_sample **ret, uint32_t *n);

enum code_kind { CODE_TEXTS, CODE_NUMBERS };
/* Packs raw into out, with its length; unpacks the same if it has no more than max bytes. */
int code_pack(ZSTD_CCtx *z, enum code_kind kind, const struct buf *raw, struct buf *out);
struct bytes;
int code_unpack(ZSTD_DCtx *z, struct bytes *in, size_t max, struct buf *out);

#endif
