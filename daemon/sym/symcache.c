// SPDX-License-Identifier: GPL-2.0
/*
 * Cache files of symbol tables. Format: struct head, the symbols, the names; a
 * host's own byte order, as the files never leave it. A format that changes
 * gets another version, and with it another directory.
 *
 * The name of a cache file says whose table it is twice, by key and by what
 * else tells files apart: programs with the same build-id, one stripped and one
 * not, do not push each other out.
 */
#include "sym/symcache.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#define KIND	 "names"
#define VERSION	 "4"
#define MAGIC	 "rpnames" VERSION
#define NAME_LEN (2 * SYMCACHE_KEY + 1 + 16)

struct head {
	char magic[8];
	uint64_t sum; /* XXH3 of everything behind it */
	uint64_t ident;
	uint64_t n, names_len;
	uint8_t key[SYMCACHE_KEY];
	uint32_t bare;
};

_Static_assert(sizeof(struct head) % 8 == 0, "the symbols stand aligned");
_Static_assert(sizeof(struct sym) == 16, "no room between symbols");

#define SUM_FROM (offsetof(struct head, sum) + sizeof(uint64_t))
#define MAX_FILE \
	(sizeof(struct head) + SYMTAB_MAX_SYMBOLS * sizeof(struct sym) + (uint64_t)SYMTAB_MAX_NAMES)

static void file_name(char name[NAME_LEN + 1], const struct symcache_source *src)
{
	for (int i = 0; i < SYMCACHE_KEY; i++)
		snprintf(name + 2 * i, 3, "%02x", src->key[i]);
	snprintf(name + 2 * SYMCACHE_KEY, 18, "-%016" PRIx64, src->ident);
}

int symcache_make_dir(const char *dir, uid_t uid, gid_t gid)
{
	return cachedir_make(dir, KIND, VERSION, uid, gid);
}

int symcache_open(struct cachedir *c, const char *path, uint64_t max_bytes)
{
	return cachedir_open(c, path, KIND, VERSION, max_bytes);
}

static bool head_ok(const struct head *h, size_t len, const struct symcache_source *src)
{
	if (memcmp(h->magic, MAGIC, sizeof(h->magic)) || h->n > SYMTAB_MAX_SYMBOLS ||
	    h->names_len > SYMTAB_MAX_NAMES ||
	    len != sizeof(*h) + h->n * sizeof(struct sym) + h->names_len)
		return false;
	if (memcmp(h->key, src->key, sizeof(h->key)) || h->ident != src->ident || h->bare > 1)
		return false;
	return h->sum == XXH3_64bits((const char *)h + SUM_FROM, len - SUM_FROM);
}

static int take(struct cachemap *m, const struct symcache_source *src, struct symtab *ret)
{
	const struct head *h = m->data;

	if (!head_ok(h, m->len, src))
		return -EINVAL;
	*ret = (struct symtab){ .syms = (struct sym *)(uintptr_t)(h + 1),
				.n = h->n,
				.names_len = h->names_len,
				.map = *m };
	ret->names = (char *)(ret->syms + ret->n);
	/* a right checksum says that we wrote it, not that what wrote it was right */
	if (!symtab_ok(ret))
		return -EINVAL;
	symtab_index(ret);
	return 0;
}

int symcache_load(struct cachedir *c, const struct symcache_source *src, struct symtab *ret,
		  bool *ret_bare)
{
	char name[NAME_LEN + 1];
	struct cachemap m;
	int r;

	file_name(name, src);
	r = cachedir_map(c, name, sizeof(struct head), MAX_FILE, &m);
	if (!r)
		r = take(&m, src, ret);
	if (r == -EINVAL) {
		cachedir_unmap(&m);
		cachedir_remove(c, name);
	}
	if (!r)
		*ret_bare = ((const struct head *)m.data)->bare;
	return r;
}

int symcache_store(struct cachedir *c, const struct symcache_source *src, const struct symtab *t,
		   bool bare)
{
	struct head h = { .ident = src->ident, .n = t->n, .names_len = t->names_len, .bare = bare };
	const struct iovec parts[] = { { &h, sizeof(h) },
				       { t->syms, t->n * sizeof(*t->syms) },
				       { t->names, t->names_len } };
	XXH3_state_t *st;
	char name[NAME_LEN + 1];

	if (c->dir < 0)
		return -ENOENT;
	st = XXH3_createState();
	if (!st)
		return -ENOMEM;
	memcpy(h.magic, MAGIC, sizeof(h.magic));
	memcpy(h.key, src->key, sizeof(h.key));
	XXH3_64bits_reset(st);
	XXH3_64bits_update(st, (char *)&h + SUM_FROM, sizeof(h) - SUM_FROM);
	XXH3_64bits_update(st, parts[1].iov_base, parts[1].iov_len);
	XXH3_64bits_update(st, parts[2].iov_base, parts[2].iov_len);
	h.sum = XXH3_64bits_digest(st);
	XXH3_freeState(st);
	file_name(name, src);
	return cachedir_store(c, name, parts, 3);
}
