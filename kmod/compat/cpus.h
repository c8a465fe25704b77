/* SPDX-License-Identifier: GPL-2.0 */
/* CPU hotplug, housekeeping, CPU lists, CPU times. */
#ifndef RINGPROF_COMPAT_CPUS_H
#define RINGPROF_COMPAT_CPUS_H

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>

#if defined(RP_HAVE_HK_TYPE) || defined(RP_HAVE_HK_FLAGS)
#include <linux/sched/isolation.h>
#endif

#ifndef RP_HAVE_CPUHP
#define cpus_read_lock()    get_online_cpus()
#define cpus_read_unlock()  put_online_cpus()
#define CPUHP_AP_ONLINE_DYN 0
/* As newer kernels have them, but what up and down give is not looked at. Process context. */
int cpuhp_setup_state_nocalls(int state, const char *name, int (*up)(unsigned int cpu),
			      int (*down)(unsigned int cpu));
void cpuhp_remove_state_nocalls(int state);
#endif

/* Is this CPU meant for work like ours (neither isolated nor tickless for one task)? */
static inline bool rp_housekeeping_cpu(int cpu)
{
#if defined(RP_HAVE_HK_TYPE)
	bool ret;

	/* 7.x: a cpuset partition may replace the mask, and frees it after a grace period */
	rcu_read_lock();
	ret = cpumask_test_cpu(cpu, housekeeping_cpumask(HK_TYPE_DOMAIN)) &&
	      cpumask_test_cpu(cpu, housekeeping_cpumask(HK_TYPE_TICK));
	rcu_read_unlock();
	return ret;
#elif defined(RP_HAVE_HK_FLAGS)
	return cpumask_test_cpu(cpu, housekeeping_cpumask(HK_FLAG_DOMAIN)) &&
	       cpumask_test_cpu(cpu, housekeeping_cpumask(HK_FLAG_TICK));
#else
	return true;
#endif
}

static inline void rp_cpulist_print(char *buf, int len, const struct cpumask *mask)
{
#ifdef RP_HAVE_CPUMASK_PR_ARGS
	scnprintf(buf, len, "%*pbl", cpumask_pr_args(mask));
#else
	cpulist_scnprintf(buf, len, mask);
#endif
}

#ifdef RP_HAVE_SCHED_HEADERS
#define RP_CPUSTAT_NS(v) (v)
#else
#define RP_CPUSTAT_NS(v) ((u64)cputime_to_usecs((__force cputime_t)(v)) * NSEC_PER_USEC)
#endif

#endif
