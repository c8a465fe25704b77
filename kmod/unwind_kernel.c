// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel frames by the kernel's own unwinder (ORC or frame pointers), begun at
 * the sampled registers, so our own interrupt frames never show.
 *
 * Contexts: IRQ and NMI; reads kernel stacks only, bounded by
 * RINGPROF_MAX_KDEPTH steps that yield a frame.
 */
#include "compat.h"
#include "compat/unwind.h"
#include "unwind.h"

static enum ringprof_end end_of(struct rp_kernel_walk *k)
{
	return rp_kernel_walk_failed(k) ? RINGPROF_END_KERNEL_UNWIND : RINGPROF_END_NONE;
}

enum ringprof_end rp_unwind_kernel(struct rp_walk *w, struct pt_regs *regs,
				   struct pt_regs **ret_user)
{
	struct rp_kernel_walk k;
	unsigned int n;
	bool more;

	*ret_user = NULL;
	/* the sampled pc itself travels as the leaf */
	more = rp_kernel_walk_begin(&k, regs);
	for (n = 0; more; n++) {
		bool partial;
		struct pt_regs *entry = rp_kernel_walk_regs(&k, &partial);
		unsigned long addr;

		if (entry && user_mode(entry)) {
			*ret_user = partial ? NULL : entry;
			return end_of(&k);
		}
		addr = unwind_get_return_address(&k.st);
		if (!addr || n == RINGPROF_MAX_KDEPTH) {
			*ret_user = rp_kernel_walk_guess();
			return addr ? RINGPROF_END_KDEPTH : RINGPROF_END_KERNEL_UNWIND;
		}
		/* an interrupted kernel pc, made to look up right as a return address */
		rp_walk_add(w, entry ? addr + 1 : addr);
		more = rp_kernel_walk_next(&k);
	}
	*ret_user = rp_kernel_walk_guess();
	return end_of(&k);
}
