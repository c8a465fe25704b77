/* SPDX-License-Identifier: GPL-2.0 */
/* Clock, RCU, text, task flags. */
#ifndef RINGPROF_COMPAT_BASICS_H
#define RINGPROF_COMPAT_BASICS_H

#include <linux/kernel.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/time.h>

#ifdef RP_HAVE_MONO_FAST
#include <linux/timekeeping.h>
#define RP_CLOCK_ID	 CLOCK_MONOTONIC
#define RP_CLOCK_FEATURE RINGPROF_FEAT_MONOTONIC
#else
/* no clock of user space's is safe in NMI here: ns since boot, as printk has it */
#include <linux/sched.h>
#define ktime_get_mono_fast_ns() local_clock()
#define RP_CLOCK_ID		 CLOCK_MONOTONIC_RAW
#define RP_CLOCK_FEATURE	 0
#endif

/* Waits for readers whose only mark is that interrupts are off. */
static inline void rp_synchronize(void)
{
#ifdef RP_HAVE_SYNCHRONIZE_SCHED
	synchronize_sched();
#else
	synchronize_rcu();
#endif
}

/* Kernel-side workers that wear a user task's mm but have no user stack. */
#if defined(PF_USER_WORKER) && defined(PF_IO_WORKER)
#define RP_PF_WORKER (PF_USER_WORKER | PF_IO_WORKER)
#elif defined(PF_IO_WORKER)
#define RP_PF_WORKER PF_IO_WORKER
#else
#define RP_PF_WORKER 0
#endif

#ifndef RP_HAVE_POLL_T
#define __poll_t    unsigned int
#define EPOLLIN	    POLLIN
#define EPOLLRDNORM POLLRDNORM
#endif

#endif
