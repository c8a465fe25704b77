// SPDX-License-Identifier: GPL-2.0
/* before 5.18: enum hk_flags; needs symbol housekeeping_cpumask */
#include <linux/sched/isolation.h>
const struct cpumask *probe(void);
const struct cpumask *probe(void)
{
	return housekeeping_cpumask(HK_FLAG_DOMAIN) ? housekeeping_cpumask(HK_FLAG_TICK) : NULL;
}
