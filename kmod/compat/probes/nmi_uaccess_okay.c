// SPDX-License-Identifier: GPL-2.0
/* 4.19, el8: copy_from_user_nmi() asks whose memory is loaded */
#include <linux/mm.h>
#include <asm/tlbflush.h>
bool probe(void);
bool probe(void)
{
	return nmi_uaccess_okay();
}
