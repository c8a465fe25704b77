/* SPDX-License-Identifier: GPL-2.0 */
/* Attributes: the policy, settings in and out, counters out. Locked (sampler.h). */
#ifndef RINGPROF_KMOD_NETLINK_ATTR_H
#define RINGPROF_KMOD_NETLINK_ATTR_H

#include <linux/cpumask.h>
#include <linux/ringprof.h>
#include <net/genetlink.h>

#include "compat.h"
#include "compat/genl.h"

struct rp_cpu;

/*
 * Room for the longest reply, settings: 2 KiB of processes and a path, and two
 * lists of CPUs, of 256 at the most half a KiB each. Kernels that clear what they
 * allocate clear all of it, so it is a page where that will do.
 */
static inline size_t rp_netlink_size(void)
{
	return nr_cpu_ids <= 256 ? NLMSG_DEFAULT_SIZE - GENL_HDRLEN : 16384;
}

/* what user space may send; everything else is refused */
extern const struct nla_policy rp_netlink_policy[RINGPROF_A_MAX + 1];

static inline int rp_put_u64(struct sk_buff *skb, int attr, u64 v)
{
	return nla_put_u64_64bit(skb, attr, v, RINGPROF_A_PAD);
}

/* -EINVAL with extack where an attribute is given that is not in the mask (1 << type). */
int rp_netlink_check_only(struct genl_info *info, u64 mask);

/* A reply to fill; NULL: no memory. */
struct sk_buff *rp_netlink_new_reply(struct genl_info *info, void **ret_head);
/* One message more in a dump; NULL: no room. */
void *rp_netlink_dump_head(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd);

/* Not locked. -errno with extack. */
int rp_netlink_table_new(struct genl_info *info);
int rp_netlink_table_rows(struct genl_info *info);
int rp_netlink_table_commit(struct genl_info *info);
int rp_netlink_table_del(struct genl_info *info);
int rp_netlink_dump_tables(struct sk_buff *skb, struct netlink_callback *cb);

/* Not locked: takes it. Only the attributes given change. -errno with extack. */
int rp_netlink_set_config(struct genl_info *info);

/* 0 or -EMSGSIZE */
int rp_netlink_put_config(struct sk_buff *skb);
int rp_netlink_put_totals(struct sk_buff *skb);
int rp_netlink_put_cpu(struct sk_buff *skb, struct rp_cpu *c);

#endif
