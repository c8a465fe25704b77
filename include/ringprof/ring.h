/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ring arithmetic, for the module that writes and the reader that maps.
 *
 * Positions are __u64 that only grow; the data of position p stands at
 * data[p & (size - 1)] and, as the area is mapped twice in a row, a record
 * never wraps for either side.
 *
 * THE ORDERING (quoted by both sides, kept only here)
 *
 *   module, on the ring's CPU             reader
 *   -------------------------             ------
 *   t = load_acquire(tail)          (A)   h = load_acquire(head)          (B)
 *   if size - (head - t) < need: lost     read records in [t, h)
 *   write records from head on
 *   store_release(head, head + need) (B)  store_release(tail, h)          (A)
 *
 *   A: the reader's loads of a record are complete before the module sees the
 *      tail that allows it to overwrite that record.
 *   B: a record's bytes are there before the reader sees the head that covers
 *      it. One store of head covers a whole group of records (the new nodes of
 *      a sample and the sample), so the reader never sees part of a group.
 */
#ifndef RINGPROF_RING_H
#define RINGPROF_RING_H

#include <linux/ringprof.h>

#include "ringprof/port.h"

/* A size that a data area may have: power of two within the ABI's limits. */
static inline bool ringprof_size_ok(__u64 size)
{
	return size >= RINGPROF_MIN_DATA_SIZE && size <= RINGPROF_MAX_DATA_SIZE &&
	       !(size & (size - 1));
}

/* Bytes of a head mapping that includes the data area (twice). */
static inline __u64 ringprof_map_size(__u64 page_size, __u64 data_size)
{
	return page_size + 2 * data_size;
}

/* Are these two positions possible together? The other side may have lied. */
static inline bool ringprof_pos_ok(__u64 head, __u64 tail, __u64 size)
{
	return head - tail <= size && !((head | tail) & 7);
}

/* Bytes free for the writer; only for positions that are ok. */
static inline __u64 ringprof_room(__u64 head, __u64 tail, __u64 size)
{
	return size - (head - tail);
}

#endif
