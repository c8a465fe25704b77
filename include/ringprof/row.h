/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unwind rows: reading and making the rule word, and looking a row up. What
 * they mean stands in the uapi header. Kernel and user space.
 */
#ifndef RINGPROF_ROW_H
#define RINGPROF_ROW_H

#include <linux/ringprof.h>

#include "ringprof/port.h"

/* what the rule's fields hold, in bytes; both multiples of 8 */
#define RINGPROF_OFF_MIN   (-(1 << 15) * 8)
#define RINGPROF_OFF_MAX   (((1 << 15) - 1) * 8)
#define RINGPROF_BPOFF_MIN (-(1 << 9) * 8)
#define RINGPROF_BPOFF_MAX (((1 << 9) - 1) * 8)

static inline __u32 ringprof_rule_cfa(__u32 rule)
{
	return rule & 0xf;
}

static inline __u32 ringprof_rule_bp(__u32 rule)
{
	return rule >> RINGPROF_RULE_BP_SHIFT & 3;
}

/* The same rule by another kind of CFA. */
static inline __u32 ringprof_rule_by(__u32 rule, __u32 cfa)
{
	return (rule & ~0xfU) | cfa;
}

/* CFA offset in bytes (PLT: not scaled, see there) */
static inline __s32 ringprof_rule_off(__u32 rule)
{
	__s32 v = (__s32)rule >> RINGPROF_RULE_OFF_SHIFT;

	return ringprof_rule_cfa(rule) == RINGPROF_CFA_PLT ? v : v * 8;
}

static inline __s32 ringprof_rule_bpoff_raw(__u32 rule)
{
	return (__s32)(rule << 16) >> 22;
}

/* bp offset in bytes */
static inline __s32 ringprof_rule_bpoff(__u32 rule)
{
	return ringprof_rule_bpoff_raw(rule) * 8;
}

/* Fields as stored: off and bpoff already divided by 8 where that applies. */
static inline __u32 ringprof_rule(__u32 cfa, __s32 off, __u32 bp, __s32 bpoff)
{
	return cfa | bp << RINGPROF_RULE_BP_SHIFT |
	       ((__u32)bpoff & 0x3ff) << RINGPROF_RULE_BPOFF_SHIFT |
	       (__u32)off << RINGPROF_RULE_OFF_SHIFT;
}

/*
 * A table as the walker sees it. index[i] is the number of rows whose pc is
 * below (i << shift): the rows of a block of addresses are found at once and
 * the binary search runs over a few. n_index = (last row's pc >> shift) + 2, shift at
 * least 1 (ringprof_index_shift()).
 */
struct ringprof_table {
	const struct ringprof_row *rows;
	const __u32 *index;
	__u64 base;
	__u32 n_rows;
	__u32 n_index;
	__u32 shift;
};

/* The rule for an address as the file has it; GAP outside of the table. */
static inline __u32 ringprof_row_find(const struct ringprof_table *t, __u64 vaddr)
{
	__u64 off = vaddr - t->base, block = off >> t->shift;
	__u32 pc = (__u32)off, row, n;

	/* the index ends in the last row's block: here is what has no block of its own */
	if (unlikely(block + 1 >= t->n_index))
		return off >> 32 || !t->n_rows ? RINGPROF_CFA_GAP : t->rows[t->n_rows - 1].rule;
	/*
	 * The last row not past pc is the one before this block's rows, or one of
	 * them. Halved without a branch that could be guessed wrong; what is looked
	 * at twice by an odd n does no harm.
	 */
	row = t->index[block] - 1;
	n = t->index[block + 1] - row;
	while (n > 1) {
		__u32 half = n / 2, mid = row + half;

		row = t->rows[mid].pc > pc ? row : mid;
		n -= half;
	}
	/* before the first row of all: -1 */
	return row == (__u32)-1 ? RINGPROF_CFA_GAP : t->rows[row].rule;
}

#endif
