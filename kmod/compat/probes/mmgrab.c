// SPDX-License-Identifier: GPL-2.0
/* 4.11: references to an mm by functions */
#include <linux/sched/mm.h>
bool probe(struct mm_struct *mm);
bool probe(struct mm_struct *mm)
{
	mmgrab(mm);
	return mmget_not_zero(mm);
}
