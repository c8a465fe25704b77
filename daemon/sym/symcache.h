/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Symbol tables on disk, as they are in memory: DIR/names/VERSION/KEY-IDENT,
 * one file each (base/cachedir.h). A table is mapped from there and searched
 * in place, so a restart names what was named before without reading an ELF
 * file's tables again.
 *
 * A file is ours, and believed only when checksum, order and every offset are
 * right. One thread at a time, but for the mapped tables.
 */
#ifndef RINGPROF_SYM_SYMCACHE_H
#define RINGPROF_SYM_SYMCACHE_H

#include <stdbool.h>

#include "sym/symtab.h"

#define SYMCACHE_KEY 20 /* bytes of struct file's key */

/* What the table is of: another file by the same key has a table of its own. */
struct symcache_source {
	const uint8_t *key; /* SYMCACHE_KEY bytes */
	uint64_t ident;	    /* file_ident_hash */
};

/* To be called with the right to: see cachedir_make. */
int symcache_make_dir(const char *dir, uid_t uid, gid_t gid);
/* path NULL: a cache that keeps nothing. 0 or -errno; c is usable in any case. */
int symcache_open(struct cachedir *c, const char *path, uint64_t max_bytes);
/*
 * A mapped table, for symtab_free. ret_bare: there was no .symtab when it was
 * made, neither in the file nor in a debug file. 0, -ENOENT not there, -EINVAL
 * there but wrong (and removed), -errno.
 */
int symcache_load(struct cachedir *c, const struct symcache_source *src, struct symtab *ret,
		  bool *ret_bare);
/* 0, -E2BIG over the limit alone, -errno */
int symcache_store(struct cachedir *c, const struct symcache_source *src, const struct symtab *t,
		   bool bare);

#endif
