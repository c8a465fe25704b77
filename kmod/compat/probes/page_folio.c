// SPDX-License-Identifier: GPL-2.0
/* 5.16: what a page of a file belongs to is its folio's to tell */
#include <linux/mm.h>
#include <linux/pagemap.h>
const void *probe(struct page *page, unsigned long *index);
const void *probe(struct page *page, unsigned long *index)
{
	struct folio *folio = page_folio(page);

	*index = folio->index;
	return folio->mapping;
}
