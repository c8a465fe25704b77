// SPDX-License-Identifier: GPL-2.0
/* 4.0: CPU lists by %*pbl */
#include <linux/cpumask.h>
#include <linux/kernel.h>
int probe(char *b, const struct cpumask *m);
int probe(char *b, const struct cpumask *m)
{
	return scnprintf(b, 8, "%*pbl", cpumask_pr_args(m));
}
