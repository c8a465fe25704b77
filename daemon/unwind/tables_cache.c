// SPDX-License-Identifier: GPL-2.0
/*
 * Cache files of rows. Format: struct cache_head, then the rows as they are in
 * memory; a host's own byte order, as the files never leave it. A format that
 * changes gets another version, and with it another directory.
 */
#include "unwind/tables_cache.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "ringprof/row_check.h"
#include "unwind/tables.h"

#define CACHE_KIND    "rows"
#define CACHE_VERSION "5"
#define CACHE_MAGIC   "rprows\0" CACHE_VERSION
#define NAME_LEN      (2 * RINGPROF_KEY_SIZE + 1 + 16)

struct cache_head {
	char magic[8];
	uint64_t sum; /* XXH64 of everything behind it */
	uint8_t key[RINGPROF_KEY_SIZE];
	uint32_t n_rows;
	uint64_t ident; /* struct cache_source */
	uint64_t base;
	uint32_t n_segments, n_opaque;
	uint32_t n_by[ROWS_ORIGINS];
	struct ringprof_segment segments[RINGPROF_MAX_SEGMENTS];
};

#define SUM_FROM (offsetof(struct cache_head, sum) + sizeof(uint64_t))

static void file_name(char name[NAME_LEN + 1], const struct cache_source *src)
{
	for (int i = 0; i < RINGPROF_KEY_SIZE; i++)
		snprintf(name + 2 * i, 3, "%02x", src->key[i]);
	snprintf(name + NAME_LEN - 17, 18, "-%016" PRIx64, src->ident);
}

int tables_make_dir(const char *dir, uid_t uid, gid_t gid)
{
	return cachedir_make(dir, CACHE_KIND, CACHE_VERSION, uid, gid);
}

int cache_open(struct cachedir *c, const char *path, uint64_t max_bytes)
{
	return cachedir_open(c, path, CACHE_KIND, CACHE_VERSION, max_bytes);
}

static bool head_ok(const struct cache_head *h, size_t len, const struct cache_source *src)
{
	const struct ringprof_row *rows = (const struct ringprof_row *)(h + 1);

	if (memcmp(h->magic, CACHE_MAGIC, sizeof(h->magic)) || h->n_rows > RINGPROF_MAX_ROWS ||
	    h->n_segments > RINGPROF_MAX_SEGMENTS || len != sizeof(*h) + h->n_rows * sizeof(*rows))
		return false;
	if (memcmp(h->key, src->key, sizeof(h->key)) || h->ident != src->ident)
		return false;
	return h->sum == XXH64((const char *)h + SUM_FROM, len - SUM_FROM, 0) &&
	       ringprof_rows_ok(rows, h->n_rows, 0) == h->n_rows;
}

static void from_map(struct cache_rows *r)
{
	const struct cache_head *h = r->map.data;

	r->rows.rows = (struct ringprof_row *)(uintptr_t)(h + 1);
	r->rows.n = h->n_rows;
	r->rows.base = h->base;
	r->rows.n_segments = h->n_segments;
	r->rows.n_opaque = h->n_opaque;
	memcpy(r->rows.n_by, h->n_by, sizeof(h->n_by));
	r->rows.origin = "cache";
	memcpy(r->rows.segments, h->segments, sizeof(h->segments));
}

int cache_load(struct cachedir *c, const struct cache_source *src, struct cache_rows *ret)
{
	char name[NAME_LEN + 1];
	int r;

	memset(ret, 0, sizeof(*ret));
	file_name(name, src);
	r = cachedir_map(c, name, sizeof(struct cache_head),
			 sizeof(struct cache_head) +
				 RINGPROF_MAX_ROWS * sizeof(struct ringprof_row),
			 &ret->map);
	if (!r && !head_ok(ret->map.data, ret->map.len, src)) {
		cache_rows_free(ret);
		r = -EINVAL;
	}
	if (!r)
		from_map(ret);
	else if (r == -EINVAL)
		cachedir_remove(c, name);
	return r;
}

int cache_store(struct cachedir *c, const struct cache_source *src, const struct rows *rows)
{
	size_t len = rows->n * sizeof(*rows->rows);
	struct cache_head h = { .ident = src->ident,
				.n_rows = rows->n,
				.base = rows->base,
				.n_segments = rows->n_segments,
				.n_opaque = rows->n_opaque };
	const struct iovec parts[] = { { &h, sizeof(h) }, { rows->rows, len } };
	XXH64_state_t *st;
	char name[NAME_LEN + 1];

	if (c->dir < 0)
		return 0;
	st = XXH64_createState();
	if (!st)
		return -ENOMEM;
	memcpy(h.magic, CACHE_MAGIC, sizeof(h.magic));
	memcpy(h.n_by, rows->n_by, sizeof(h.n_by));
	memcpy(h.key, src->key, sizeof(h.key));
	memcpy(h.segments, rows->segments, rows->n_segments * sizeof(h.segments[0]));
	XXH64_reset(st, 0);
	XXH64_update(st, (char *)&h + SUM_FROM, sizeof(h) - SUM_FROM);
	if (len)
		XXH64_update(st, rows->rows, len);
	h.sum = XXH64_digest(st);
	XXH64_freeState(st);
	file_name(name, src);
	return cachedir_store(c, name, parts, 2);
}

void cache_rows_free(struct cache_rows *r)
{
	if (r->map.data)
		cachedir_unmap(&r->map);
	else
		rows_free(&r->rows);
	memset(r, 0, sizeof(*r));
}
