/* SPDX-License-Identifier: GPL-2.0 */
/* Generic netlink: where ops and policies stand, who carries error texts. */
#ifndef RINGPROF_COMPAT_GENL_H
#define RINGPROF_COMPAT_GENL_H

#include <net/genetlink.h>

#ifdef RP_HAVE_EXTACK
#define RP_EXTACK(info) ((info)->extack)
#else
struct netlink_ext_ack;
#define RP_EXTACK(info) ((void)(info), (struct netlink_ext_ack *)NULL)
#undef NL_SET_ERR_MSG
#undef NL_SET_ERR_MSG_ATTR
#undef GENL_SET_ERR_MSG
#define NL_SET_ERR_MSG(extack, msg)	       ((void)(extack), (void)(msg))
#define NL_SET_ERR_MSG_ATTR(extack, attr, msg) ((void)(extack), (void)(attr), (void)(msg))
#define GENL_SET_ERR_MSG(info, msg)	       ((void)(info), (void)(msg))
#endif

#ifdef RP_HAVE_GENL_RESV_START_OP
#define RP_GENL_RESV .resv_start_op = RINGPROF_CMD_MAX + 1,
#else
#define RP_GENL_RESV
#endif

#ifdef RP_HAVE_GENL_FAMILY_POLICY
#define RP_GENL_OP(id, fn, dump)                            \
	{                                                   \
		.cmd = (id), .doit = (fn), .dumpit = (dump) \
	}
#define RP_GENL_FAMILY_POLICY(pol) RP_GENL_RESV.policy = (pol)
#else
#define RP_GENL_OP(id, fn, dump)                                                         \
	{                                                                                \
		.cmd = (id), .doit = (fn), .dumpit = (dump), .policy = rp_netlink_policy \
	}
#define RP_GENL_FAMILY_POLICY(pol) .netnsok = false
#endif

/* The events name no process; the capability is asked for where groups can. */
#ifdef RP_HAVE_GENL_MCAST_CAP
#define RP_GENL_GROUP_FLAGS .flags = GENL_MCAST_CAP_SYS_ADMIN
#else
#define RP_GENL_GROUP_FLAGS .name = RINGPROF_GENL_GROUP
#endif

#ifndef RP_HAVE_PUT_U64_64BIT
static inline int nla_put_u64_64bit(struct sk_buff *skb, int attr, u64 v, int pad)
{
	return nla_put_u64(skb, attr, v);
}
#endif

#endif
