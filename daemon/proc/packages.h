/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which version of which package a file of this host belongs to. Debian's: an
 * index of dpkg's own lists, made when first asked and again after dpkg
 * changed them. Files that hold no programs (/usr/share, headers, ...) are
 * not in it. What dpkg does not own is asked of rpm (packages_rpm.h).
 *
 * One thread. Making the index takes some 50 ms for a thousand packages.
 */
#ifndef RINGPROF_PROC_PACKAGES_H
#define RINGPROF_PROC_PACKAGES_H

#include <stddef.h>
#include <stdint.h>

#define PACKAGES_STATUS_MAX (64U << 20)	 /* bytes of dpkg's status */
#define PACKAGES_LIST_MAX   (8U << 20)	 /* bytes of one package's list */
#define PACKAGES_BYTES_MAX  (256U << 20) /* of all lists */
#define PACKAGES_FILES_MAX  (1U << 20)	 /* files in the index: 16 MiB */

struct packages;

/* host: the directory that stands for "/", NULL: "/". NULL: no memory. */
struct packages *packages_new(const char *host);
void packages_free(struct packages *p); /* NULL is fine */
/*
 * Version of the package that owns the absolute path, "" if none does; good
 * until the next call. now: mono ns.
 */
const char *packages_version(struct packages *p, const char *path, uint64_t now);
size_t packages_bytes(const struct packages *p);
/*
 * A path of n bytes without the /usr of /usr/bin and the like: /bin is a link
 * into /usr by now, and a package may still list its files by the old name.
 */
const char *packages_without_usr(const char *path, size_t n);

#endif
