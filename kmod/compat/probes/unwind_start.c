// SPDX-License-Identifier: GPL-2.0
/*
 * 4.9: the unwinder
 * needs symbol __unwind_start
 * needs symbol unwind_next_frame
 */
#include <asm/unwind.h>
void probe(struct task_struct *t, struct pt_regs *regs);
void probe(struct task_struct *t, struct pt_regs *regs)
{
	struct unwind_state st;

	unwind_start(&st, t, regs, NULL);
	unwind_next_frame(&st);
}
