/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which version of which rpm a file of this host belongs to: asked of rpm's
 * own SQLite database (rpm 4.16 and later: RHEL 9, Fedora, SUSE's newer ones).
 * The Berkeley databases of RHEL 7 and 8 are not read.
 *
 * One thread.
 */
#ifndef RINGPROF_PROC_PACKAGES_RPM_H
#define RINGPROF_PROC_PACKAGES_RPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packages_rpm;

/* host: the directory that stands for "/", "" the real one. NULL: no memory. */
struct packages_rpm *packages_rpm_new(const char *host);
void packages_rpm_free(struct packages_rpm *r); /* NULL is fine */
/* Looks whether the database changed since the look before; cheap. True: it did. */
bool packages_rpm_refresh(struct packages_rpm *r);
/*
 * [EPOCH:]VERSION-RELEASE of the package that owns the absolute path into ret,
 * whether it lists it below /usr or not; "" if none does.
 */
void packages_rpm_version(struct packages_rpm *r, const char *path, char *ret, size_t len);
/*
 * The same of one package's header as the database holds it (hostile: any
 * bytes), if its file number idx is that path. 0; -EINVAL: the header makes no
 * sense; -ENOENT: another file.
 */
int rpm_header_version(const unsigned char *header, size_t n, uint32_t idx, const char *path,
		       char *ret, size_t len);

#endif
