/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A directory of cache files: DIR/KIND/VERSION/NAME, each 0600, under a byte
 * limit; the least recently used go first. What is in a file is its user's to
 * check: the files are ours, but may be torn, or somebody else's who was root.
 *
 * Files are mapped, not read, so that what is kept is page cache that the
 * kernel can drop. A mapping of a file that gets shorter is a SIGBUS, so none
 * does: they are written beside (".new-"), renamed and only ever unlinked,
 * which leaves mappings alone, and only files in a directory that nobody else
 * can write to are mapped.
 *
 * A struct cachedir is one thread's at a time; mappings are anybody's.
 */
#ifndef RINGPROF_BASE_CACHEDIR_H
#define RINGPROF_BASE_CACHEDIR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define CACHEDIR_NAME_MAX 128 /* of NAME, without NUL */

struct cachedir {
	int dir; /* -1: nothing is kept */
	uint64_t max_bytes, bytes;
	uint64_t evicted;
};

struct cachemap {
	const void *data; /* NULL: none */
	size_t len;
};

/*
 * Makes DIR/KIND/VERSION, whose DIR's parent must be there, and gives it to
 * that user and group; to be called with the right to. A user who owned it
 * before may have put links in it: none is followed. 0 or -errno.
 */
int cachedir_make(const char *dir, const char *kind, const char *version, uid_t uid, gid_t gid);

/* path NULL: a cache that keeps nothing. 0 or -errno; c is usable in any case. */
int cachedir_open(struct cachedir *c, const char *path, const char *kind, const char *version,
		  uint64_t max_bytes);
void cachedir_close(struct cachedir *c);

/*
 * Maps the file of that name, read only, and notes that it was used now. 0,
 * -ENOENT not there, -EINVAL no regular file of ours of min to max bytes,
 * -errno.
 */
int cachedir_map(struct cachedir *c, const char *name, uint64_t min, uint64_t max,
		 struct cachemap *ret);
void cachedir_unmap(struct cachemap *m);
/* Removes a file: it was not what it should be. */
void cachedir_remove(struct cachedir *c, const char *name);
/*
 * Writes a file of these parts, removing the oldest used ones where the limit
 * asks for it; 0, -E2BIG over the limit alone, -errno.
 */
int cachedir_store(struct cachedir *c, const char *name, const struct iovec *parts, int n);
/* Makes room for `more` bytes that come by another way, and counts them; 0 or -E2BIG. */
int cachedir_reserve(struct cachedir *c, uint64_t more);

#endif
