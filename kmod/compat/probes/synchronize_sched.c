// SPDX-License-Identifier: GPL-2.0
/* before 5.1: only this one waits for readers that merely have interrupts off */
#include <linux/rcupdate.h>
void probe(void);
void probe(void)
{
	synchronize_sched();
}
