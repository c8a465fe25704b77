/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unwind tables over the module's netlink: handing one over, taking it back,
 * what is there. Errors as control.h has them: -errno and control_error().
 */
#ifndef RINGPROF_SOURCE_CONTROL_TABLE_H
#define RINGPROF_SOURCE_CONTROL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/control.h"

struct control_table {
	uint8_t key[RINGPROF_KEY_SIZE];
	int fd; /* of the file, open for reading; -1: the vDSO */
	uint64_t base;
	const struct ringprof_segment *segments;
	uint32_t n_segments; /* 1 to RINGPROF_MAX_SEGMENTS */
	const struct ringprof_row *rows;
	uint32_t n_rows; /* 1 to RINGPROF_MAX_ROWS */
	/* the module is of ABI 2.2 or older: RINGPROF_CFA_CLONE goes as the RINGPROF_CFA_SP it was */
	bool no_clone;
};

struct control_table_info {
	uint8_t key[RINGPROF_KEY_SIZE];
	uint32_t id, n_rows;
	uint64_t base, hits, bytes;
	bool committed;
};

/*
 * Hands over a whole table: in use when this returns 0; *ret_id (may be NULL)
 * is its number. It replaces what the module had for the same file. -ENOSPC:
 * more than the module's budget. After a failure the module holds nothing of it.
 */
int control_table_add(struct control *c, const struct control_table *t, uint32_t *ret_id);

/*
 * The same in slices, for a caller with other things to do: begin, then send
 * until *done == n_rows, at most max_rows a call (whole messages of
 * RINGPROF_ROWS_A_MESSAGE), then commit; or control_table_del() to give up.
 */
int control_table_begin(struct control *c, const struct control_table *t, uint32_t *ret_id);
int control_table_send(struct control *c, const struct control_table *t, uint32_t id,
		       uint32_t max_rows, uint32_t *done);
int control_table_commit(struct control *c, uint32_t id);

/* -ENOENT: none of that id, or key. */
int control_table_del(struct control *c, uint32_t id);
int control_table_del_key(struct control *c, const uint8_t key[RINGPROF_KEY_SIZE]);

/* Up to max of them into ret; gives their number. */
int control_table_list(struct control *c, struct control_table_info *ret, size_t max);

#endif
