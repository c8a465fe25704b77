// SPDX-License-Identifier: GPL-2.0
/* 4.12: kvmalloc() */
#include <linux/mm.h>
#include <linux/slab.h>
void *probe(void);
void *probe(void)
{
	return kvmalloc(1, GFP_KERNEL);
}
