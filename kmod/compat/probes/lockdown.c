// SPDX-License-Identifier: GPL-2.0
/* 5.4: lockdown; needs symbol security_locked_down */
#include <linux/security.h>
int probe(void);
int probe(void)
{
	return security_locked_down(LOCKDOWN_PERF);
}
