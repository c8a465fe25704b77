// SPDX-License-Identifier: GPL-2.0
/*
 * See netlink.h. Commands, rights, events; how settings travel is in
 * netlink_config.c, the counters in netlink_stats.c.
 *
 * Every command checks the caller's capability itself: the flag that generic
 * netlink offers means CAP_NET_ADMIN. Process context, genl mutex held.
 */
#include <linux/capability.h>
#include <linux/module.h>
#include <net/genetlink.h>

#include "compat.h"
#include "chardev.h"
#include "cpu.h"
#include "netlink.h"
#include "mm.h"
#include "netlink_attr.h"
#include "ringprof/version.h"
#include "sampler.h"

static struct genl_family family;
static bool registered;

/* Kernels before 5.2 parse what they know and pass over the rest. */
static int check_known(struct genl_info *info)
{
	const struct nlattr *a;
	int rest;

	nlmsg_for_each_attr (a, info->nlhdr, GENL_HDRLEN, rest) {
		if (nla_type(a) > RINGPROF_A_MAX) {
			NL_SET_ERR_MSG_ATTR(RP_EXTACK(info), a,
					    "attribute: this module is older than it; install the "
					    "newer one, or leave it out");
			return -EINVAL;
		}
	}
	return 0;
}

static int check_right(struct sk_buff *skb, struct genl_info *info)
{
	if (rp_netlink_capable(skb))
		return check_known(info);
	GENL_SET_ERR_MSG(info, "permission: needs CAP_PERFMON or CAP_SYS_ADMIN in the initial user "
			       "namespace; run as root or grant it");
	return -EPERM;
}

/* What a command does not take is an error, not ignored. */
int rp_netlink_check_only(struct genl_info *info, u64 mask)
{
	int i;

	BUILD_BUG_ON(RINGPROF_A_MAX >= 64);
	for (i = 1; i <= RINGPROF_A_MAX; i++) {
		if (info->attrs[i] && !(mask >> i & 1)) {
			NL_SET_ERR_MSG_ATTR(RP_EXTACK(info), info->attrs[i],
					    "attribute: this command does not take it; leave it "
					    "out");
			return -EINVAL;
		}
	}
	return 0;
}

static int check_bare(struct sk_buff *skb, struct genl_info *info)
{
	int ret = check_right(skb, info);

	return ret ? ret : rp_netlink_check_only(info, 0);
}

struct sk_buff *rp_netlink_new_reply(struct genl_info *info, void **ret_head)
{
	struct sk_buff *skb = genlmsg_new(rp_netlink_size(), GFP_KERNEL);

	if (!skb)
		return NULL;
	*ret_head = genlmsg_put_reply(skb, info, &family, 0, info->genlhdr->cmd);
	if (!*ret_head) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

static int reply_with(struct genl_info *info, int (*put)(struct sk_buff *skb))
{
	void *head;
	struct sk_buff *skb = rp_netlink_new_reply(info, &head);
	int ret;

	if (!skb)
		return -ENOMEM;
	rp_sampler_lock();
	ret = put(skb);
	rp_sampler_unlock();
	if (ret) {
		nlmsg_free(skb);
		return ret;
	}
	genlmsg_end(skb, head);
	return genlmsg_reply(skb, info);
}

static int put_reader(struct sk_buff *skb)
{
	const struct rp_reader *r = rp_chardev_reader();

	if (!r->pid)
		return 0;
	return nla_put_u32(skb, RINGPROF_A_READER_PID, r->pid) ||
	       nla_put_string(skb, RINGPROF_A_READER_COMM, r->comm);
}

static int put_info(struct sk_buff *skb)
{
	if (nla_put_u32(skb, RINGPROF_A_ABI_MAJOR, RINGPROF_ABI_MAJOR) ||
	    nla_put_u32(skb, RINGPROF_A_ABI_MINOR, RINGPROF_ABI_MINOR) ||
	    nla_put_string(skb, RINGPROF_A_VERSION, RINGPROF_VERSION) ||
	    rp_put_u64(skb, RINGPROF_A_FEATURES, rp_sampler_features()) ||
	    nla_put_u32(skb, RINGPROF_A_STATE, rp_sampler_state()) ||
	    rp_put_u64(skb, RINGPROF_A_INSTANCE, rp_sampler_instance()) ||
	    rp_put_u64(skb, RINGPROF_A_MEMORY, rp_cpu_memory() + rp_mm_bytes()) ||
	    rp_put_u64(skb, RINGPROF_A_TABLE_BYTES, rp_table_bytes()) ||
	    nla_put_u32(skb, RINGPROF_A_TABLE_COUNT, rp_table_count()) || put_reader(skb))
		return -EMSGSIZE;
	return 0;
}

static int do_info(struct sk_buff *skb, struct genl_info *info)
{
	int ret = check_bare(skb, info);

	return ret ? ret : reply_with(info, put_info);
}

static int do_config_get(struct sk_buff *skb, struct genl_info *info)
{
	int ret = check_bare(skb, info);

	return ret ? ret : reply_with(info, rp_netlink_put_config);
}

static int do_config_set(struct sk_buff *skb, struct genl_info *info)
{
	int ret = check_right(skb, info);

	return ret ? ret : rp_netlink_set_config(info);
}

static int do_start(struct sk_buff *skb, struct genl_info *info)
{
	int ret = check_bare(skb, info);

	return ret ? ret : rp_sampler_start(RP_EXTACK(info));
}

static int do_stop(struct sk_buff *skb, struct genl_info *info)
{
	int ret = check_bare(skb, info);

	if (!ret)
		rp_sampler_stop();
	return ret;
}

static int do_stats(struct sk_buff *skb, struct genl_info *info)
{
	int ret = check_bare(skb, info);

	return ret ? ret : reply_with(info, rp_netlink_put_totals);
}

void *rp_netlink_dump_head(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &family,
			   NLM_F_MULTI, cmd);
}

/* cb->args[0]: the next CPU */
static int dump_stats(struct sk_buff *skb, struct netlink_callback *cb)
{
	int cpu, ret = 0;

	if (!rp_netlink_capable(cb->skb))
		return -EPERM;
	rp_sampler_lock();
	for (cpu = cb->args[0]; cpu < nr_cpu_ids; cpu++) {
		struct rp_cpu *c = cpu_possible(cpu) ? rp_cpu_of(cpu) : NULL;
		void *head;

		if (!c)
			continue;
		head = rp_netlink_dump_head(skb, cb, RINGPROF_CMD_STATS);
		if (!head)
			break;
		ret = rp_netlink_put_cpu(skb, c);
		if (ret) {
			genlmsg_cancel(skb, head);
			break;
		}
		genlmsg_end(skb, head);
	}
	rp_sampler_unlock();
	cb->args[0] = cpu;
	/* what did not fit comes with the next call */
	return skb->len ? skb->len : ret;
}

static int do_table(struct sk_buff *skb, struct genl_info *info)
{
	int ret = check_right(skb, info);

	if (ret)
		return ret;
	switch (info->genlhdr->cmd) {
	case RINGPROF_CMD_TABLE_NEW:
		return rp_netlink_table_new(info);
	case RINGPROF_CMD_TABLE_ROWS:
		return rp_netlink_table_rows(info);
	case RINGPROF_CMD_TABLE_COMMIT:
		return rp_netlink_table_commit(info);
	default:
		return rp_netlink_table_del(info);
	}
}

static const struct genl_ops ops[] = {
	RP_GENL_OP(RINGPROF_CMD_INFO, do_info, NULL),
	RP_GENL_OP(RINGPROF_CMD_CONFIG_GET, do_config_get, NULL),
	RP_GENL_OP(RINGPROF_CMD_CONFIG_SET, do_config_set, NULL),
	RP_GENL_OP(RINGPROF_CMD_START, do_start, NULL),
	RP_GENL_OP(RINGPROF_CMD_STOP, do_stop, NULL),
	RP_GENL_OP(RINGPROF_CMD_STATS, do_stats, dump_stats),
	RP_GENL_OP(RINGPROF_CMD_TABLE_NEW, do_table, NULL),
	RP_GENL_OP(RINGPROF_CMD_TABLE_ROWS, do_table, NULL),
	RP_GENL_OP(RINGPROF_CMD_TABLE_COMMIT, do_table, NULL),
	RP_GENL_OP(RINGPROF_CMD_TABLE_DEL, do_table, NULL),
	RP_GENL_OP(RINGPROF_CMD_TABLE_GET, NULL, rp_netlink_dump_tables),
};

static const struct genl_multicast_group groups[] = {
	{ .name = RINGPROF_GENL_GROUP, RP_GENL_GROUP_FLAGS },
};

static struct genl_family family = {
	.name = RINGPROF_GENL_NAME,
	.version = RINGPROF_GENL_VERSION,
	.maxattr = RINGPROF_A_MAX,
	.module = THIS_MODULE,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
	RP_GENL_FAMILY_POLICY(rp_netlink_policy),
};

static int put_event(struct sk_buff *skb, const char *reason)
{
	u64 period;
	u32 unit;

	rp_sampler_period(&period, &unit);
	if (nla_put_u32(skb, RINGPROF_A_STATE, rp_sampler_state()) ||
	    nla_put_u32(skb, RINGPROF_A_HZ, rp_sampler_config()->hz) ||
	    rp_put_u64(skb, RINGPROF_A_PERIOD, period) || nla_put_u32(skb, RINGPROF_A_UNIT, unit) ||
	    nla_put_string(skb, RINGPROF_A_EVENT_REASON, reason))
		return -EMSGSIZE;
	return 0;
}

void rp_netlink_event(const char *reason)
{
	struct sk_buff *skb;
	void *head;

	if (!registered)
		return;
	skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!skb)
		return;
	head = genlmsg_put(skb, 0, 0, &family, 0, RINGPROF_CMD_EVENT);
	if (!head || put_event(skb, reason)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, head);
	/* nobody listening is no error */
	genlmsg_multicast(&family, skb, 0, 0, GFP_KERNEL);
}

int rp_netlink_init(void)
{
	int ret = genl_register_family(&family);

	registered = !ret;
	return ret;
}

void rp_netlink_exit(void)
{
	rp_sampler_lock();
	registered = false;
	rp_sampler_unlock();
	genl_unregister_family(&family);
}
