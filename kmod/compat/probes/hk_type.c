// SPDX-License-Identifier: GPL-2.0
/* 5.18: enum hk_type; needs symbol housekeeping_cpumask */
#include <linux/sched/isolation.h>
const struct cpumask *probe(void);
const struct cpumask *probe(void)
{
	return housekeeping_cpumask(HK_TYPE_DOMAIN) ? housekeeping_cpumask(HK_TYPE_TICK) : NULL;
}
