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

u64 rp_arch_cycles_hz(void)
{
	return tsc_khz ? (u64)tsc_khz * 1000 : GUESSED_HZ;
}
