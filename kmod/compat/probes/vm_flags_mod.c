// SPDX-License-Identifier: GPL-2.0
/* 6.3: vma flags by accessors */
#include <linux/mm.h>
void probe(struct vm_area_struct *vma);
void probe(struct vm_area_struct *vma)
{
	vm_flags_mod(vma, VM_DONTCOPY, VM_MAYEXEC);
	vm_flags_clear(vma, VM_MAYWRITE);
}
