/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unwind rows of a file made by a reader (sym/reader.h), who gets the file's
 * descriptor; or here. What a reader says is held against the rules for rows
 * before it is believed.
 *
 * No state. Any thread.
 */
#ifndef RINGPROF_UNWIND_ROWS_READ_H
#define RINGPROF_UNWIND_ROWS_READ_H

#include "sym/reader.h"
#include "unwind/rows.h"

/* As rows_of_fd, by r (NULL: here); file: who is to blame. Also reader_ask's errors. */
int rows_read_by(struct reader *r, struct file *file, int fd, const struct rows_limits *lim,
		 struct rows *ret);
/* The reader's side. */
int rows_serve(struct reader_conn *c, const struct reader_args *q, struct buf *ret);
/* Takes an answer apart; 0, -EINVAL it is none, -ENOMEM. */
int rows_parse(const void *data, size_t len, struct rows *ret);

#endif
