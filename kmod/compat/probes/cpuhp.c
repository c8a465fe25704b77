// SPDX-License-Identifier: GPL-2.0
/* 4.13: hotplug states and cpus_read_lock(); needs symbol __cpuhp_setup_state */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
int cb(unsigned int cpu);
int probe(void);
int probe(void)
{
	cpus_read_lock();
	cpus_read_unlock();
	return cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "probe", cb, cb);
}
