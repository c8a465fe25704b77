/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which version of which of Debian's packages a file belongs to: an index of
 * dpkg's own lists. Files that hold no programs (/usr/share, headers, ...) are
 * not in it.
 */
#ifndef RINGPROF_PROC_PACKAGES_INDEX_H
#define RINGPROF_PROC_PACKAGES_INDEX_H

#include <stddef.h>

#define PACKAGES_STATUS_MAX (64U << 20)	 /* bytes of dpkg's status */
#define PACKAGES_LIST_MAX   (8U << 20)	 /* bytes of one package's list */
#define PACKAGES_BYTES_MAX  (256U << 20) /* of all lists */
#define PACKAGES_FILES_MAX  (1U << 20)	 /* files in the index: 16 MiB */

struct packages_index;

/*
 * Reads dpkg's status file and the lists in the directory info: 50 ms for a
 * thousand packages, and as many seeks of a disk where they are not cached.
 * What cannot be read is left out. *stop (atomic) set meanwhile: ends soon,
 * with what it has by then. NULL: no memory.
 */
struct packages_index *packages_index_read(const char *status, const char *info, const int *stop);
void packages_index_free(struct packages_index *x); /* NULL is fine */
/* Of the package that owns the absolute path; NULL: none does. As long as x lives. */
const char *packages_index_version(const struct packages_index *x, const char *path);
size_t packages_index_bytes(const struct packages_index *x); /* NULL: 0 */
/*
 * A path of n bytes without the /usr of /usr/bin and the like: /bin is a link
 * into /usr by now, and a package may still list its files by the old name.
 */
const char *packages_without_usr(const char *path, size_t n);

#endif
