/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Facts about programs, kept by the identity of their file (device, inode,
 * size, times), so that a file is read once however many
 * processes run it. Where the file itself names no version, dpkg and rpm are
 * asked, and again after packages were installed.
 *
 * One thread. At most EXES_MAX files; a full table is begun anew.
 */
#ifndef RINGPROF_PROC_EXES_H
#define RINGPROF_PROC_EXES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/exe.h"

#define EXES_MAX 4096U

struct exes;

/* host: see packages_new. NULL: no memory. */
struct exes *exes_new(const char *host);
void exes_free(struct exes *x); /* NULL is fine */
/*
 * Facts of an open program. path: as its process names it; on_host: that path
 * is one of the host's, not of a container's root. now: mono ns. version is
 * the build-id where nothing better is known. Good until the next call; never
 * NULL.
 */
const struct exe_facts *exes_get(struct exes *x, int fd, const char *path, bool on_host,
				 uint64_t now);
/* The same of one that must not be read here, by its stat; NULL: it is to be read and added. */
struct stat;
const struct exe_facts *exes_find(struct exes *x, const struct stat *st, const char *path,
				  bool on_host, uint64_t now);
/* What exe_read found out; false: no memory. */
bool exes_add(struct exes *x, const struct stat *st, const struct exe_facts *read);
/* Another number than before: versions may have changed, so ask again. now: mono ns. */
uint64_t exes_state(struct exes *x, uint64_t now);
size_t exes_bytes(const struct exes *x);

#endif
