// SPDX-License-Identifier: GPL-2.0
/* See arch_x86.h. Contexts: IRQ and NMI, but for rp_arch_cycles_hz(). */
#include <linux/mm.h>
#include <asm/processor.h>
#include <asm/tsc.h>

#include "compat.h"
#include "arch_x86.h"

#define GUESSED_HZ 2400000000ULL

/*
 * The page table of the current task against the one in CR3. With page table
 * isolation the user half's root is the page behind the kernel half's: in the
 * kernel CR3 always names the latter.
 */
bool rp_arch_own_mm(void)
{
	return current->mm && rp_read_cr3_pa() == __pa(current->mm->pgd);
}

#ifdef RP_HAVE_PAGE_WALK
/*
 * The last level's entry, 0 where there is none or a page is a huge one, which
 * *ret_huge tells. Page tables are not freed while interrupts are off on a CPU
 * that has them loaded.
 */
static pte_t find_pte(struct mm_struct *mm, unsigned long addr, bool *ret_huge)
{
	pgd_t pgd = READ_ONCE(*pgd_offset(mm, addr));
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	*ret_huge = false;
	if (pgd_none(pgd) || unlikely(pgd_bad(pgd)))
		return __pte(0);
	p4d = READ_ONCE(*p4d_offset(&pgd, addr));
	if (p4d_none(p4d) || unlikely(p4d_bad(p4d)))
		return __pte(0);
	pud = READ_ONCE(*pud_offset(&p4d, addr));
	if (pud_none(pud) || unlikely(pud_bad(pud))) {
		*ret_huge = pud_present(pud);
		return __pte(0);
	}
	pmd = READ_ONCE(*pmd_offset(&pud, addr));
	if (pmd_none(pmd) || unlikely(pmd_bad(pmd))) {
		*ret_huge = pmd_present(pmd);
		return __pte(0);
	}
	return READ_ONCE(*pte_offset_kernel(&pmd, addr));
}

bool rp_arch_maps(struct mm_struct *mm, unsigned long addr, const void *file, u64 index)
{
	bool huge;
	pte_t pte = find_pte(mm, addr, &huge);
	u64 found;

	if (!pte_present(pte))
		return !huge;
	if (pte_special(pte) || !pfn_valid(pte_pfn(pte)))
		return false;
	return rp_page_file(pfn_to_page(pte_pfn(pte)), &found) == file && found == index;
}

bool rp_arch_has_page(struct mm_struct *mm, unsigned long addr)
{
	bool huge;

	return pte_present(find_pte(mm, addr, &huge)) || huge;
}
#else
bool rp_arch_has_page(struct mm_struct *mm, unsigned long addr)
{
	return false;
}

bool rp_arch_maps(struct mm_struct *mm, unsigned long addr, const void *file, u64 index)
{
	return false;
}
#endif

u64 rp_arch_cycles_hz(void)
{
	return tsc_khz ? (u64)tsc_khz * 1000 : GUESSED_HZ;
}
