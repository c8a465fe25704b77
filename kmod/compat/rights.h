/* SPDX-License-Identifier: GPL-2.0 */
/* Who may: CAP_PERFMON (5.8) or CAP_SYS_ADMIN, and lockdown (5.4). */
#ifndef RINGPROF_COMPAT_RIGHTS_H
#define RINGPROF_COMPAT_RIGHTS_H

#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/security.h>

static inline bool rp_capable(void)
{
#ifdef CAP_PERFMON
	if (capable(CAP_PERFMON))
		return true;
#endif
	return capable(CAP_SYS_ADMIN);
}

/* The sender of this message, in the initial user namespace. */
static inline bool rp_netlink_capable(const struct sk_buff *skb)
{
#ifdef CAP_PERFMON
	if (netlink_capable(skb, CAP_PERFMON))
		return true;
#endif
	return netlink_capable(skb, CAP_SYS_ADMIN);
}

/* Kernel counters skip this check, so we make it. 0 or -EPERM. */
static inline int rp_locked_down(void)
{
#ifdef RP_HAVE_LOCKDOWN
	return security_locked_down(LOCKDOWN_PERF);
#else
	return 0;
#endif
}

#endif
