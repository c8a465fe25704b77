// SPDX-License-Identifier: GPL-2.0
/* the last user's work is left to another thread; needs symbol mmput_async */
#include <linux/sched/mm.h>
void probe(struct mm_struct *mm);
void probe(struct mm_struct *mm)
{
	mmput_async(mm);
}
