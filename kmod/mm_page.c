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
 * locks: so not in NMI, nor on RT, where such locks sleep. An inode is freed by
 * RCU, and interrupts are off.
 */
#include <linux/mm.h>
#include <linux/fs.h>
#include <linux/pagemap.h>

#include "compat.h"
#include "mm.h"

static bool file_of_page(u64 pc, struct rp_file_id *ret, u64 *ret_offset)
{
	struct page *page = rp_user_page(pc & PAGE_MASK);
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
	put_page(page);
	return inode;
}

struct rp_table *rp_mm_table_by_page(u64 pc, u64 *ret_bias)
{
	struct rp_file_id id;
	struct rp_table *t;
	u64 offset;

	if (!file_of_page(pc, &id, &offset))
		return NULL;
	t = rp_table_find(&id);
	if (!t || !rp_table_bias(t, pc & PAGE_MASK, offset, PAGE_SIZE, ret_bias))
		return NULL;
	return t;
}
