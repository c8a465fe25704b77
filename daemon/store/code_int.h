/* SPDX-License-Identifier: GPL-2.0 */
/* Between the head of a window (code_head.c) and its data (code.c). */
#ifndef RINGPROF_STORE_CODE_INT_H
#define RINGPROF_STORE_CODE_INT_H

#include "store/code.h"
#include "store/varint.h"

/* Appends the check of what stands behind `from`. */
void code_put_check(struct buf *b, size_t from);
/* What is before the check; bad when it does not hold. */
struct bytes code_checked(const void *p, size_t len);
/* Appends the head. */
void code_put_head(const struct code_head *h, struct buf *b);

#endif
