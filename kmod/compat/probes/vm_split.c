// SPDX-License-Identifier: GPL-2.0
/* 4.15 to 5.10: the same by the name of split */
#include <linux/mm.h>
int no(struct vm_area_struct *vma, unsigned long addr);
const struct vm_operations_struct probe = { .split = no };
