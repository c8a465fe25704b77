/* SPDX-License-Identifier: GPL-2.0 */
/* What is read of an address space (mm_views.c), for its list (mm_read.c). */
#ifndef RINGPROF_KMOD_MM_VIEWS_H
#define RINGPROF_KMOD_MM_VIEWS_H

#include "mm_list.h"

/* one mapping */
struct rp_mm_view {
	u64 start, end;
	struct rp_mm_file file;
};

/* what one reading found so far */
struct rp_mm_reading {
	struct rp_mm_view *view;
	u32 n;
	unsigned long exec_vm; /* at its begin: what changes meanwhile has it read again */
	unsigned long next;    /* address to go on at, 0: none was read */
	bool torn;	       /* and something did change */
	u32 begun;	       /* so often */
	u32 visited;	       /* mappings, of all kinds, each time they are */
	u64 ns;		       /* it took */
};

/*
 * Files and the vDSO that a grabbed mm has mapped executable, into *r, zeroed but for view, of
 * RP_MM_MAX_MAPS. Process context, sleeps. 0; -ESRCH: no user is left; -EAGAIN: its lock was
 * taken; -EBUSY: it changes all the time. What was visited, and how long that took, is told also
 * then.
 */
int rp_mm_read_views(struct mm_struct *mm, struct rp_mm_reading *r);

#endif
