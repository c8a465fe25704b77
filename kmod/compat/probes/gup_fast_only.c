// SPDX-License-Identifier: GPL-2.0
/* 5.8: a page of current's that is there, without a fault, from any context
 * needs symbol get_user_pages_fast_only
 */
#include <linux/mm.h>
int probe(struct page **page);
int probe(struct page **page)
{
	return get_user_pages_fast_only(0, 1, 0, page);
}
