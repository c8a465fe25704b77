// SPDX-License-Identifier: GPL-2.0
/* 4.13: CR3 without its flags */
#include <linux/mm.h>
#include <asm/processor.h>
unsigned long probe(void);
unsigned long probe(void)
{
	return read_cr3_pa();
}
