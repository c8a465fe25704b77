// SPDX-License-Identifier: GPL-2.0
/* 5.11: vm_ops->may_split */
#include <linux/mm.h>
int no(struct vm_area_struct *vma, unsigned long addr);
const struct vm_operations_struct probe = { .may_split = no };
