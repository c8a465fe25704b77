/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables of rows on disk: DIR/rows/VERSION/KEY-IDENT, one file each (base/cachedir.h).
 * The directory is ours, so a file that is mapped stays as long as it was; it
 * is checked in full before it is believed all the same.
 *
 * One thread at a time, but for the mapped tables.
 */
#ifndef RINGPROF_UNWIND_TABLES_CACHE_H
#define RINGPROF_UNWIND_TABLES_CACHE_H

#include "base/cachedir.h"
#include "unwind/rows.h"

/* What a file was when its rows were made: another one by the same key has none here. */
struct cache_source {
	const uint8_t *key; /* RINGPROF_KEY_SIZE bytes */
	uint64_t ident;	    /* file_ident_hash */
};

/* rows in a mapping (from a file) or in plain memory; n == 0: neither. */
struct cache_rows {
	struct rows rows;
	struct cachemap map;
};

/* path NULL: a cache that keeps nothing. 0 or -errno; c is usable in any case. */
int cache_open(struct cachedir *c, const char *path, uint64_t max_bytes);
/* 0, -ENOENT not there, -EINVAL there but wrong (and removed), -errno */
int cache_load(struct cachedir *c, const struct cache_source *src, struct cache_rows *ret);
/* Writes rows, removing the oldest used files when the limit is reached; 0 or -errno. */
int cache_store(struct cachedir *c, const struct cache_source *src, const struct rows *rows);
void cache_rows_free(struct cache_rows *r);

#endif
