// SPDX-License-Identifier: GPL-2.0
/* before 4.12: four levels of page tables */
#include <linux/mm.h>
pte_t *probe(struct mm_struct *mm, unsigned long addr);
pte_t *probe(struct mm_struct *mm, unsigned long addr)
{
	pud_t *pud = pud_offset(pgd_offset(mm, addr), addr);

	return pte_offset_kernel(pmd_offset(pud, addr), addr);
}
