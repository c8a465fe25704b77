/* SPDX-License-Identifier: GPL-2.0 */
/* Mappings and page tables. */
#ifndef RINGPROF_COMPAT_MM_H
#define RINGPROF_COMPAT_MM_H

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#ifndef RP_HAVE_VM_FLAGS_MOD
static inline void vm_flags_mod(struct vm_area_struct *vma, unsigned long set, unsigned long clear)
{
	vma->vm_flags |= set;
	vma->vm_flags &= ~clear;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, unsigned long clear)
{
	vma->vm_flags &= ~clear;
}
#endif

#if defined(RP_HAVE_VM_MAY_SPLIT)
#define RP_VM_OPS_MAY_SPLIT(fn) .may_split = (fn)
#elif defined(RP_HAVE_VM_SPLIT)
#define RP_VM_OPS_MAY_SPLIT(fn) .split = (fn)
#else
/* such a kernel splits; pages are counted one by one, so nothing comes of it */
#define RP_VM_OPS_MAY_SPLIT(fn) .access = 0 ? (void *)(fn) : NULL
#endif

/* four levels, before five were thought of */
#if defined(RP_HAVE_PAGE_WALK_4) && !defined(RP_HAVE_PAGE_WALK)
#define RP_HAVE_PAGE_WALK     1
#define p4d_t		      pgd_t
#define p4d_offset(pgd, addr) (pgd)
#define p4d_none(p4d)	      ((void)(p4d), 0)
#define p4d_bad(p4d)	      ((void)(p4d), 0)
#endif

#ifdef RP_HAVE_READ_CR3_PA
#define rp_read_cr3_pa() read_cr3_pa()
#else
#define rp_read_cr3_pa() (read_cr3() & PAGE_MASK)
#endif

/*
 * Which file's page that is: the same pointer for every page of the file, and
 * its number there. Nothing is held, so it may be another one's the next moment.
 */
static inline const void *rp_page_file(struct page *page, u64 *ret_index)
{
#ifdef RP_HAVE_PAGE_FOLIO
	struct folio *folio = page_folio(page);

	*ret_index = READ_ONCE(folio->index) + (page - (struct page *)folio);
	return READ_ONCE(folio->mapping);
#else
	struct page *head = compound_head(page);

	*ret_index = READ_ONCE(head->index) + (page - head);
	return READ_ONCE(head->mapping);
#endif
}

/*
 * RT: spinlocks put who waits to sleep, so an interrupt must not take one.
 * _FULL: its name before 5.3.
 */
#define RP_LOCKS_SLEEP (IS_ENABLED(CONFIG_PREEMPT_RT) || IS_ENABLED(CONFIG_PREEMPT_RT_FULL))

/* The page at addr of current's address space, held; NULL: none is there now. Not in NMI. */
static inline struct page *rp_user_page(unsigned long addr)
{
	struct page *page;

#ifdef RP_HAVE_GUP_FAST_ONLY
	return get_user_pages_fast_only(addr, 1, 0, &page) == 1 ? page : NULL;
#else
	return __get_user_pages_fast(addr, 1, 0, &page) == 1 ? page : NULL;
#endif
}

/*
 * Does copy_from_user_nmi() itself refuse where another address space is loaded
 * than current's? In NMI it may be. Since 4.19 and el8; what it asks is hidden from
 * modules since 5.8, which has mmap_lock.
 */
#if defined(RP_HAVE_NMI_UACCESS_OKAY) || defined(RP_HAVE_MMAP_LOCK)
#define RP_NMI_COPY_ASKS true
#else
#define RP_NMI_COPY_ASKS false
#endif

/*
 * Zeroed, near the node; NULL without a word in the log, and before any process would be
 * killed for it, but on kernels without kvmalloc().
 */
static inline void *rp_zalloc_near(size_t bytes, int node)
{
#ifdef RP_HAVE_KVMALLOC
	return kvmalloc_node(bytes, GFP_KERNEL | __GFP_ZERO | __GFP_NORETRY | __GFP_NOWARN, node);
#else
	return vzalloc_node(bytes, node);
#endif
}

static inline void rp_free_near(const void *p)
{
#ifdef RP_HAVE_KVMALLOC
	kvfree(p);
#else
	vfree(p);
#endif
}

/*
 * el7 does not save all of a user's registers: fast system calls leave the stack
 * pointer of an entry before, interrupts save neither bx nor r12 to r15. By
 * orig_ax it is told which was the entry: a call's number, -1 for exceptions,
 * below that interrupts.
 */
static inline bool rp_user_sp_valid(const struct pt_regs *regs)
{
#ifdef RP_HAVE_UNWIND_ENTRY_PARTIAL
	return true;
#else
	return (long)regs->orig_ax < 0;
#endif
}

/* number: DWARF's, 0 to 15 */
static inline bool rp_user_reg_valid(const struct pt_regs *regs, unsigned int number)
{
#ifdef RP_HAVE_UNWIND_ENTRY_PARTIAL
	return true;
#else
	return (long)regs->orig_ax >= -1 || (number != 3 && number < 12);
#endif
}

#endif
