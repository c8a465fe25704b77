/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The layout of the ABI, asserted. Included by one .c on each side; compiling
 * it is the check. tests/abi/layout.txt holds the same numbers for the diff.
 */
#ifndef RINGPROF_ABI_CHECK_H
#define RINGPROF_ABI_CHECK_H

#include <linux/ringprof.h>

#include "ringprof/port.h"

#define RINGPROF_SIZE(type, bytes) RINGPROF_ASSERT(sizeof(struct type) == (bytes), type)
#define RINGPROF_AT(type, field, off) \
	RINGPROF_ASSERT(offsetof(struct type, field) == (off), type##_##field)

RINGPROF_SIZE(ringprof_rec, 4);
RINGPROF_AT(ringprof_rec, type, 0);
RINGPROF_AT(ringprof_rec, flags, 1);
RINGPROF_AT(ringprof_rec, size, 2);

RINGPROF_SIZE(ringprof_rec_sample, 40);
RINGPROF_AT(ringprof_rec_sample, rec, 0);
RINGPROF_AT(ringprof_rec_sample, chain, 4);
RINGPROF_AT(ringprof_rec_sample, time, 8);
RINGPROF_AT(ringprof_rec_sample, tgid, 16);
RINGPROF_AT(ringprof_rec_sample, tid, 20);
RINGPROF_AT(ringprof_rec_sample, cgroup, 24);
RINGPROF_AT(ringprof_rec_sample, leaf, 32);

RINGPROF_SIZE(ringprof_rec_nodes, 16);
RINGPROF_AT(ringprof_rec_nodes, rec, 0);
RINGPROF_AT(ringprof_rec_nodes, parent, 4);
RINGPROF_AT(ringprof_rec_nodes, first, 8);
RINGPROF_AT(ringprof_rec_nodes, count, 12);

RINGPROF_SIZE(ringprof_rec_nodes16, 8);
RINGPROF_AT(ringprof_rec_nodes16, rec, 0);
RINGPROF_AT(ringprof_rec_nodes16, parent, 4);

RINGPROF_SIZE(ringprof_rec_epoch, 16);
RINGPROF_AT(ringprof_rec_epoch, rec, 0);
RINGPROF_AT(ringprof_rec_epoch, epoch, 4);
RINGPROF_AT(ringprof_rec_epoch, time, 8);

RINGPROF_SIZE(ringprof_rec_weight, 24);
RINGPROF_AT(ringprof_rec_weight, rec, 0);
RINGPROF_AT(ringprof_rec_weight, unit, 4);
RINGPROF_AT(ringprof_rec_weight, time, 8);
RINGPROF_AT(ringprof_rec_weight, weight, 16);

RINGPROF_SIZE(ringprof_ring_head, 328);
RINGPROF_AT(ringprof_ring_head, magic, 0);
RINGPROF_AT(ringprof_ring_head, abi_major, 8);
RINGPROF_AT(ringprof_ring_head, abi_minor, 10);
RINGPROF_AT(ringprof_ring_head, header_size, 12);
RINGPROF_AT(ringprof_ring_head, features, 16);
RINGPROF_AT(ringprof_ring_head, cpu, 24);
RINGPROF_AT(ringprof_ring_head, clock, 28);
RINGPROF_AT(ringprof_ring_head, data_size, 32);
RINGPROF_AT(ringprof_ring_head, instance, 40);
RINGPROF_AT(ringprof_ring_head, outcomes, 48);
RINGPROF_AT(ringprof_ring_head, attach_epoch, 52);
RINGPROF_AT(ringprof_ring_head, pad1, 56);
RINGPROF_AT(ringprof_ring_head, head, 64);
RINGPROF_AT(ringprof_ring_head, pad2, 72);
RINGPROF_AT(ringprof_ring_head, calls, 128);
RINGPROF_AT(ringprof_ring_head, outcome, 136);
RINGPROF_AT(ringprof_ring_head, chain_hits, 264);
RINGPROF_AT(ringprof_ring_head, nodes, 272);
RINGPROF_AT(ringprof_ring_head, bytes, 280);
RINGPROF_AT(ringprof_ring_head, frames, 288);
RINGPROF_AT(ringprof_ring_head, epoch, 296);
RINGPROF_AT(ringprof_ring_head, node_limit_hits, 300);
RINGPROF_AT(ringprof_ring_head, handler_ns, 304);
RINGPROF_AT(ringprof_ring_head, last_time, 312);
RINGPROF_AT(ringprof_ring_head, pad3, 320);

RINGPROF_SIZE(ringprof_row, 8);
RINGPROF_AT(ringprof_row, pc, 0);
RINGPROF_AT(ringprof_row, rule, 4);

RINGPROF_SIZE(ringprof_segment, 24);
RINGPROF_AT(ringprof_segment, offset, 0);
RINGPROF_AT(ringprof_segment, vaddr, 8);
RINGPROF_AT(ringprof_segment, size, 16);

RINGPROF_SIZE(ringprof_ring_tail, 64);
RINGPROF_AT(ringprof_ring_tail, tail, 0);
RINGPROF_AT(ringprof_ring_tail, pad, 8);

RINGPROF_ASSERT(__RINGPROF_OUT_MAX <= 16, outcomes_fit);
RINGPROF_ASSERT(__RINGPROF_END_MAX <= 4096, ends_fit);

#undef RINGPROF_SIZE
#undef RINGPROF_AT

#endif
