// SPDX-License-Identifier: GPL-2.0
/* 5.8: the mmap lock by functions */
#include <linux/mm.h>
bool probe(struct mm_struct *mm);
bool probe(struct mm_struct *mm)
{
	if (!mmap_read_trylock(mm))
		return false;
	mmap_read_unlock(mm);
	return true;
}
