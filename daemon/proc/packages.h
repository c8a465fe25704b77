/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which version of which package a file of this host belongs to. Debian's: an
 * index of dpkg's lists (packages_index.h), made on a thread of its own when
 * first asked and again after dpkg changed them, as reading a thousand files
 * from a disk takes seconds and samples do not wait for it. What dpkg does not
 * own is asked of rpm (packages_rpm.h).
 *
 * Used by one thread.
 */
#ifndef RINGPROF_PROC_PACKAGES_H
#define RINGPROF_PROC_PACKAGES_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

/* between two looks whether packages were installed; at most so late a version is seen */
#define PACKAGES_LOOK_NS (10 * NSEC_PER_SEC)

struct packages;

/* host: the directory that stands for "/", NULL: "/". NULL: no memory. */
struct packages *packages_new(const char *host);
void packages_free(struct packages *p); /* NULL is fine; ends the thread */
/*
 * Version of the package that owns the absolute path into ret[len], "" if none
 * does. now: mono ns. Gives the state that it is of, as packages_state; 0: not
 * known yet. The first index is waited for, a second at most in all.
 */
uint64_t packages_version(struct packages *p, const char *path, uint64_t now, char *ret,
			  size_t len);
/* Another number than before: answers may have changed. 0: nothing is known yet. */
uint64_t packages_state(struct packages *p, uint64_t now);
size_t packages_bytes(struct packages *p);

#endif
