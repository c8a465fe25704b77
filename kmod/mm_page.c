// SPDX-License-Identifier: GPL-2.0
/*
 * Tables by the page that a pc lies on, where no list tells: an address space
 * just made, a file just mapped. The page belongs to a file's page cache, which
 * knows its inode, and tables are found by inode. A reading of the mappings is
 * on its way, so this serves the few samples until then; it costs several times
 * as much as a look into a list.
 *
 * The page is held while its file is looked at: what was mapped may be unmapped
 * and given away meanwhile by another CPU. Letting go may free it, which takes
 * locks: so not in NMI, and on RT, where such locks sleep, an irq_work does it a
 * moment later, in a thread. An inode is freed by RCU, and interrupts are off.
 */
#include <linux/mm.h>
#include <linux/fs.h>
#include <linux/pagemap.h>

#include "compat.h"
#include "cpu.h"
#include "mm.h"

/* Of this CPU: its sampler is the writer, its irq_work the reader. */
static bool pages_have_room(const struct rp_mm_pages *p)
{
	/* pairs with put_pages(): what stood in the slot has been copied */
	return !RP_LOCKS_SLEEP || p->head - smp_load_acquire(&p->tail) < RP_MM_PAGES;
}

static void put_later(struct rp_mm_pages *p, struct page *page)
{
	if (!RP_LOCKS_SLEEP) {
		put_page(page);
		return;
	}
	p->page[p->head % RP_MM_PAGES] = page;
	/* pairs with put_pages(): the page stands there */
	smp_store_release(&p->head, p->head + 1);
	irq_work_queue(&p->put);
}

static void put_pages(struct irq_work *work)
{
	struct rp_mm_pages *p = container_of(work, struct rp_mm_pages, put);
	/* pairs with put_later(); those that come meanwhile queue the work again */
	u32 tail = p->tail, head = smp_load_acquire(&p->head);

	while (tail != head) {
		struct page *page = p->page[tail % RP_MM_PAGES];

		/* pairs with pages_have_room() */
		smp_store_release(&p->tail, ++tail);
		put_page(page);
	}
}

void rp_mm_pages_init(struct rp_mm_pages *p)
{
	init_irq_work(&p->put, put_pages);
}

void rp_mm_pages_sync(struct rp_mm_pages *p)
{
	/* where locks sleep, this waits for RCU too, since 7.1: not on CPUs that never queued it */
	if (p->head)
		irq_work_sync(&p->put);
}

static bool file_of_page(struct rp_mm_pages *p, u64 pc, struct rp_file_id *ret, u64 *ret_offset)
{
	struct page *page = pages_have_room(p) ? rp_user_page(pc & PAGE_MASK) : NULL;
	const struct address_space *file;
	const struct inode *inode = NULL;

	if (!page)
		return false;
	file = rp_page_file(page, ret_offset);
	*ret_offset <<= PAGE_SHIFT;
	/* the low bits say that it is no file's */
	if (file && !((unsigned long)file & 3))
		inode = READ_ONCE(file->host);
	if (inode)
		rp_table_inode_id(inode, ret);
	put_later(p, page);
	return inode;
}

struct rp_table *rp_mm_table_by_page(u64 pc, u64 *ret_bias)
{
	struct rp_cpu *c = rp_cpu_of(smp_processor_id());
	struct rp_file_id id;
	struct rp_table *t;
	u64 offset;

	if (!file_of_page(&c->pages, pc, &id, &offset))
		return NULL;
	t = rp_table_find(&id);
	if (!t || !rp_table_bias(t, pc & PAGE_MASK, offset, PAGE_SIZE, ret_bias))
		return NULL;
	return t;
}
