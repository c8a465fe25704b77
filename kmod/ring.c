// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of a ring and its mappings. The data pages are mapped twice in a row
 * in the kernel as for the reader, so no record wraps for either. Pages are
 * single ones, inserted one by one: a reader's mapping holds references of its
 * own, so freeing a ring never pulls a page from under it.
 *
 * Contexts: process context under rp_lock; the sampler of the ring's CPU is
 * not running when data comes or goes.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "ring.h"

static void *alloc_shared_page(int cpu)
{
	struct page *page = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);

	return page ? page_address(page) : NULL;
}

int rp_ring_alloc_pages(struct rp_ring *r, int cpu, __u64 instance)
{
	struct ringprof_ring_head *h;

	r->shared = alloc_shared_page(cpu);
	r->reader = alloc_shared_page(cpu);
	if (!r->shared || !r->reader) {
		rp_ring_free_pages(r);
		return -ENOMEM;
	}
	h = r->shared;
	h->magic = RINGPROF_MAGIC;
	h->abi_major = RINGPROF_ABI_MAJOR;
	h->abi_minor = RINGPROF_ABI_MINOR;
	h->header_size = sizeof(*h);
	h->cpu = cpu;
	h->instance = instance;
	h->outcomes = __RINGPROF_OUT_MAX;
	return 0;
}

void rp_ring_free_pages(struct rp_ring *r)
{
	free_page((unsigned long)r->shared);
	free_page((unsigned long)r->reader);
	r->shared = NULL;
	r->reader = NULL;
}

static int alloc_data_pages(struct rp_ring *r, int cpu, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct page *page =
			alloc_pages_node(cpu_to_node(cpu),
					 GFP_KERNEL | __GFP_ZERO | __GFP_NORETRY | __GFP_NOWARN, 0);

		if (!page)
			return -ENOMEM;
		r->pages[i] = page;
		r->pages[n + i] = page;
		r->n_pages = i + 1;
	}
	return 0;
}

int rp_ring_alloc_data(struct rp_ring *r, int cpu, __u32 size)
{
	unsigned int n = size >> PAGE_SHIFT;
	int ret;

	r->pages = rp_zalloc_near(2 * n * sizeof(*r->pages), cpu_to_node(cpu));
	if (!r->pages)
		return -ENOMEM;
	ret = alloc_data_pages(r, cpu, n);
	if (ret)
		goto err_free;
	r->data = vmap(r->pages, 2 * n, VM_MAP, PAGE_KERNEL);
	if (!r->data) {
		ret = -ENOMEM;
		goto err_free;
	}
	r->mask = size - 1;
	r->shared->data_size = size;
	/* positions only grow; what was unread in the old area: nobody is attached to miss it */
	r->tail = r->head;
	/* pairs with ring.h:rp_ring_room() */
	smp_store_release(&r->reader->tail, r->head);
	return 0;

err_free:
	rp_ring_free_data(r);
	return ret;
}

void rp_ring_free_data(struct rp_ring *r)
{
	unsigned int i;

	if (r->data)
		vunmap(r->data);
	r->data = NULL;
	for (i = 0; i < r->n_pages; i++)
		__free_page(r->pages[i]);
	r->n_pages = 0;
	rp_free_near(r->pages);
	r->pages = NULL;
	r->mask = 0;
	if (r->shared)
		r->shared->data_size = 0;
}

/* A mapping is whole or gone: half of one would break the reader's arithmetic, not ours. */
static int refuse_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static const struct vm_operations_struct ring_vm_ops = {
	RP_VM_OPS_MAY_SPLIT(refuse_split),
};

static int map_common(struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
	vma->vm_ops = &ring_vm_ops;
	return 0;
}

int rp_ring_mmap_tail(struct rp_ring *r, struct vm_area_struct *vma)
{
	int ret;

	if (vma->vm_end - vma->vm_start != PAGE_SIZE)
		return -EINVAL;
	ret = map_common(vma);
	if (ret)
		return ret;
	return vm_insert_page(vma, vma->vm_start, virt_to_page(r->reader));
}

static int map_data(struct rp_ring *r, struct vm_area_struct *vma)
{
	unsigned long addr = vma->vm_start + PAGE_SIZE;
	unsigned int i;
	int ret;

	for (i = 0; i < 2 * r->n_pages; i++, addr += PAGE_SIZE) {
		ret = vm_insert_page(vma, addr, r->pages[i]);
		if (ret)
			return ret;
	}
	return 0;
}

int rp_ring_mmap_head(struct rp_ring *r, struct vm_area_struct *vma)
{
	unsigned long len = vma->vm_end - vma->vm_start;
	int ret;

	if (vma->vm_flags & VM_WRITE)
		return -EPERM;
	if (len != PAGE_SIZE && !r->data)
		return -ENXIO;
	if (len != PAGE_SIZE && len != ringprof_map_size(PAGE_SIZE, r->mask + 1))
		return -EINVAL;
	ret = map_common(vma);
	if (ret)
		return ret;
	vm_flags_clear(vma, VM_MAYWRITE);
	ret = vm_insert_page(vma, vma->vm_start, virt_to_page(r->shared));
	if (ret || len == PAGE_SIZE)
		return ret;
	return map_data(r, vma);
}
