/* SPDX-License-Identifier: GPL-2.0 */
/* Mappings and page tables. */
#ifndef RINGPROF_COMPAT_MM_H
#define RINGPROF_COMPAT_MM_H

#include <linux/mm.h>
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

/* Zeroed, near the node; NULL without a word in the log. */
static inline void *rp_vzalloc_node(size_t bytes, int node)
{
	return vzalloc_node(bytes, node);
}

/* el7's fast system calls leave the saved stack pointer unset */
#ifdef RP_HAVE_UNWIND_ENTRY_PARTIAL
#define rp_user_sp_valid(regs) true
#else
#define rp_user_sp_valid(regs) false
#endif

#endif
