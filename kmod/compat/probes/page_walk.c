// SPDX-License-Identifier: GPL-2.0
/* 4.12: five levels of page tables, whatever the CPU has */
#include <linux/mm.h>
pte_t *probe(struct mm_struct *mm, unsigned long addr);
pte_t *probe(struct mm_struct *mm, unsigned long addr)
{
	p4d_t *p4d = p4d_offset(pgd_offset(mm, addr), addr);

	return pte_offset_kernel(pmd_offset(pud_offset(p4d, addr), addr), addr);
}
