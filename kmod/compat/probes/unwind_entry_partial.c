// SPDX-License-Identifier: GPL-2.0
/* 4.14: unwind_get_entry_regs() tells whether they are whole */
#include <asm/unwind.h>
struct pt_regs *probe(struct unwind_state *st, bool *partial);
struct pt_regs *probe(struct unwind_state *st, bool *partial)
{
	return unwind_get_entry_regs(st, partial);
}
