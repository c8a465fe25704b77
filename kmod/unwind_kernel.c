// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel frames by the kernel's own unwinder (ORC or frame pointers), begun at
 * the sampled registers, so our own interrupt frames never show.
 *
 * Contexts: IRQ and NMI; reads kernel stacks only, bounded by
 * RINGPROF_MAX_KDEPTH steps that yield a frame.
 */
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <asm/unwind.h>

#include "compat.h"
#include "unwind.h"

/* The user registers below the kernel's frames, when the unwinder did not arrive there. */
static struct pt_regs *entry_regs_guess(void)
{
	/* an NMI may have hit entry code that has not saved them yet */
	return in_nmi() ? NULL : task_pt_regs(current);
}

enum ringprof_end rp_unwind_kernel(struct rp_walk *w, struct pt_regs *regs,
				   struct pt_regs **ret_user)
{
	struct unwind_state st;
	unsigned int n;

	*ret_user = NULL;
	/* the first step leaves the sampled pc itself, which travels as the leaf */
	unwind_start(&st, current, regs, NULL);
	for (n = 0; unwind_next_frame(&st); n++) {
		bool partial = false;
		struct pt_regs *entry = unwind_get_entry_regs(&st, &partial);
		unsigned long addr;

		if (entry && user_mode(entry)) {
			*ret_user = partial ? NULL : entry;
			return unwind_error(&st) ? RINGPROF_END_KERNEL_UNWIND : RINGPROF_END_NONE;
		}
		addr = unwind_get_return_address(&st);
		if (!addr || n == RINGPROF_MAX_KDEPTH) {
			*ret_user = entry_regs_guess();
			return addr ? RINGPROF_END_KDEPTH : RINGPROF_END_KERNEL_UNWIND;
		}
		/* an interrupted kernel pc, made to look up right as a return address */
		rp_walk_add(w, entry ? addr + 1 : addr);
	}
	*ret_user = entry_regs_guess();
	return unwind_error(&st) ? RINGPROF_END_KERNEL_UNWIND : RINGPROF_END_NONE;
}
