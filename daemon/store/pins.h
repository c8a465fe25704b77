/* SPDX-License-Identifier: GPL-2.0 */
/* Between the two halves of pins: pins.c makes and lists them, pins_file.c lets them travel. */
#ifndef RINGPROF_STORE_PINS_H
#define RINGPROF_STORE_PINS_H

#include "store/history.h"

/* text into err; gives r. */
int pins_fail(int r, char *err, size_t errlen, const char *text);
int pins_no_disk(char *err, size_t errlen); /* -ENOTSUP */
/* 0; -ENOTSUP (h is NULL), -EINVAL (an empty range) with a sentence in err. */
int pins_check_range(const struct history *h, uint64_t from, uint64_t to, char *err, size_t errlen);
/* What a result of the functions here means to the asker, into err; gives it (-EDQUOT: -ENOSPC). */
int pins_explain(struct history *h, int r, uint64_t bytes, char *err, size_t errlen);

/*
 * pin-N with that end: ".rph", or ".tmp" while it is made (those are removed at
 * the next start). The caller's; NULL: no memory.
 */
char *pins_path(const struct history *h, uint64_t id, const char *end);
uint64_t pins_next_id(struct history *h);
/*
 * Sets bytes being written aside in the budget, instead of the `was` that were;
 * false: pins come to more than they may hold.
 */
bool pins_reserve(struct history *h, uint64_t was, uint64_t bytes);
/*
 * Copies a range into a new file at path and closes it. *bytes stay reserved,
 * also when it fails. 0, -EDQUOT, -ENODATA, -EIO, -ENOMEM.
 */
int pins_copy(struct history *h, uint64_t from, uint64_t to, const char *path, const char *name,
	      uint64_t *bytes);
/* Writes the sum of all that a closed file holds into it. 0 or -errno. */
int pins_put_sum(const char *path);
/* 0; -EBADMSG: the file holds something else than when its sum was written, or none. */
int pins_check_sum(const char *path);
/*
 * A finished file becomes the pin of that number, for good: it is on the disk
 * then, whatever happens to the power. It goes into the list, or from the disk
 * (or stays at path). 0, -EBADMSG with *why, -EIO, -ENOSPC, -ENOMEM.
 */
int pins_adopt(struct history *h, const char *path, uint64_t id, const char **why);

#endif
