/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unwind rows as they must be: what the module accepts, and what makers of
 * rows test theirs with. And the index over them. Kernel and user space.
 */
#ifndef RINGPROF_ROW_CHECK_H
#define RINGPROF_ROW_CHECK_H

#include "ringprof/row.h"

/* DWARF numbers of the sixteen registers; 16 is the return address column */
#define RINGPROF_CFA_REGS 16

/*
 * Is this rule one that the walker knows? A field that a kind has no use for
 * is 0, so that it can get a meaning later.
 */
static inline bool ringprof_rule_ok(__u32 rule)
{
	__u32 cfa = ringprof_rule_cfa(rule), bp = ringprof_rule_bp(rule);
	__s32 off = ringprof_rule_off(rule), bpoff = ringprof_rule_bpoff_raw(rule);
	bool has_bpoff = bp == RINGPROF_BP_AT_CFA || bp == RINGPROF_BP_AT_BP;

	switch (cfa) {
	case RINGPROF_CFA_SP:
	case RINGPROF_CFA_BP:
	case RINGPROF_CFA_BP_DEREF:
	case RINGPROF_CFA_SP_DEREF:
	case RINGPROF_CFA_CLONE:
		return has_bpoff || !bpoff;
	case RINGPROF_CFA_PLT:
		return off >= 0 && off < 16 && (has_bpoff || !bpoff);
	case RINGPROF_CFA_REG:
		/* the register stands where the bp offset would */
		return !has_bpoff && bpoff >= 0 && bpoff < RINGPROF_CFA_REGS;
	case RINGPROF_CFA_GAP:
	case RINGPROF_CFA_SIGNAL:
	case RINGPROF_CFA_ROOT:
	case RINGPROF_CFA_OPAQUE:
		return rule == cfa;
	}
	return false;
}

/*
 * How many of the n rows can be taken, from the first on: pcs strictly ascend,
 * none below `least`, rules are known. n, when all can.
 */
static inline __u32 ringprof_rows_ok(const struct ringprof_row *rows, __u32 n, __u64 least)
{
	__u32 i;

	for (i = 0; i < n; i++) {
		if (rows[i].pc < least || !ringprof_rule_ok(rows[i].rule))
			break;
		least = (__u64)rows[i].pc + 1;
	}
	return i;
}

/* Entries of the index by this shift. */
static inline __u64 ringprof_index_size(__u32 last_pc, __u32 shift)
{
	return (__u64)(last_pc >> shift) + 2;
}

/*
 * The shift with which the index costs about a sixteenth of n rows; at least 1: so
 * the block of no address, however far outside of the table, is the last number
 * there is, and ringprof_row_find() may add to it.
 */
static inline __u32 ringprof_index_shift(__u32 n, __u32 last_pc)
{
	__u64 most = n / 8 > 16 ? n / 8 : 16;
	__u32 shift = 1;

	while (ringprof_index_size(last_pc, shift) > most)
		shift++;
	return shift;
}

/* Fills index[ringprof_index_size(last pc, shift)] for n > 0 ascending rows. */
static inline void ringprof_index_fill(__u32 *index, const struct ringprof_row *rows, __u32 n,
				       __u32 shift)
{
	__u64 size = ringprof_index_size(rows[n - 1].pc, shift), i;
	__u32 row = 0;

	for (i = 0; i < size; i++) {
		while (row < n && rows[row].pc < i << shift)
			row++;
		index[i] = row;
	}
}

#endif
