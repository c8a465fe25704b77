// SPDX-License-Identifier: GPL-2.0
/*
 * Settings as attributes. A CONFIG_SET is read into a copy of the settings in
 * force, checked as a whole, and taken over or refused as a whole. Every
 * refusal names the thing, the cause and what is allowed.
 */
#include <linux/cpumask.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include "netlink_attr.h"
#include "config.h"
#include "ringprof/ring.h"
#include "sampler.h"
#include "table.h"
#include "trie.h"

#define CPU_LIST_LEN 4096

const struct nla_policy rp_netlink_policy[RINGPROF_A_MAX + 1] = {
	[RINGPROF_A_HZ] = { .type = NLA_U32 },
	[RINGPROF_A_EVENT] = { .type = NLA_U32 },
	[RINGPROF_A_CPUS] = { .type = NLA_NUL_STRING, .len = CPU_LIST_LEN - 1 },
	[RINGPROF_A_RING_SIZE] = { .type = NLA_U32 },
	[RINGPROF_A_MAX_DEPTH] = { .type = NLA_U32 },
	[RINGPROF_A_FLAGS] = { .type = NLA_U32 },
	[RINGPROF_A_TGIDS] = { .type = NLA_BINARY, .len = RP_MAX_TGIDS * sizeof(u32) },
	[RINGPROF_A_CGROUP] = { .type = NLA_NUL_STRING, .len = RP_CGROUP_PATH - 1 },
	[RINGPROF_A_BUDGET] = { .type = NLA_U32 },
	[RINGPROF_A_NODE_BUDGET] = { .type = NLA_U32 },
	[RINGPROF_A_TABLE_BUDGET] = { .type = NLA_U64 },
	[RINGPROF_A_TABLE_KEY] = { .type = NLA_BINARY, .len = RINGPROF_KEY_SIZE },
	[RINGPROF_A_TABLE_ID] = { .type = NLA_U32 },
	[RINGPROF_A_TABLE_FD] = { .type = NLA_U32 },
	[RINGPROF_A_TABLE_BASE] = { .type = NLA_U64 },
	[RINGPROF_A_TABLE_SEGMENTS] = { .type = NLA_BINARY,
					.len = RINGPROF_MAX_SEGMENTS *
					       sizeof(struct ringprof_segment) },
	[RINGPROF_A_TABLE_N_ROWS] = { .type = NLA_U32 },
	[RINGPROF_A_TABLE_FIRST] = { .type = NLA_U32 },
	[RINGPROF_A_TABLE_DATA] = { .type = NLA_BINARY,
				    .len = RINGPROF_ROWS_A_MESSAGE * sizeof(struct ringprof_row) },
};

/* what a CONFIG_SET may set */
#define SETTABLE                                                                                  \
	(1ULL << RINGPROF_A_HZ | 1ULL << RINGPROF_A_EVENT | 1ULL << RINGPROF_A_CPUS |             \
	 1ULL << RINGPROF_A_RING_SIZE | 1ULL << RINGPROF_A_MAX_DEPTH | 1ULL << RINGPROF_A_FLAGS | \
	 1ULL << RINGPROF_A_TGIDS | 1ULL << RINGPROF_A_CGROUP | 1ULL << RINGPROF_A_BUDGET |       \
	 1ULL << RINGPROF_A_NODE_BUDGET | 1ULL << RINGPROF_A_TABLE_BUDGET)

#define REFUSE(info, attr, text)                                                              \
	({                                                                                    \
		NL_SET_ERR_MSG_ATTR(RP_EXTACK(info), (info)->attrs[RINGPROF_A_##attr], text); \
		-EINVAL;                                                                      \
	})

static bool get_u32(struct genl_info *info, int attr, u32 *ret)
{
	if (!info->attrs[attr])
		return false;
	*ret = nla_get_u32(info->attrs[attr]);
	return true;
}

static int get_sampling(struct genl_info *info, struct rp_config *cfg)
{
	if (get_u32(info, RINGPROF_A_HZ, &cfg->hz) &&
	    (cfg->hz < RINGPROF_MIN_HZ || cfg->hz > RINGPROF_MAX_HZ))
		return REFUSE(info, HZ, "rate: out of range; 1 to 10000 Hz is possible");
	if (get_u32(info, RINGPROF_A_EVENT, &cfg->event) && cfg->event > RINGPROF_EVENT_CYCLES)
		return REFUSE(info, EVENT, "event: unknown; 0 (cpu-clock) or 1 (cycles)");
	if (get_u32(info, RINGPROF_A_MAX_DEPTH, &cfg->max_depth) &&
	    (!cfg->max_depth || cfg->max_depth > RINGPROF_DEPTH_LIMIT))
		return REFUSE(info, MAX_DEPTH, "depth: out of range; 1 to 2048 user frames");
	if (get_u32(info, RINGPROF_A_FLAGS, &cfg->flags) && (cfg->flags & ~RINGPROF_F_ALL))
		return REFUSE(info, FLAGS, "flags: unknown bit; bits 0 to 2 are known");
	if ((cfg->flags & RINGPROF_F_NO_KERNEL) && (cfg->flags & RINGPROF_F_NO_USER))
		return REFUSE(info, FLAGS,
			      "flags: NO_KERNEL and NO_USER together leave nothing; give one");
	if (get_u32(info, RINGPROF_A_BUDGET, &cfg->budget) && cfg->budget > 10000)
		return REFUSE(info, BUDGET, "budget: more than a CPU; 0 (off) to 10000 (100 %)");
	return 0;
}

static int get_sizes(struct genl_info *info, struct rp_config *cfg)
{
	if (get_u32(info, RINGPROF_A_RING_SIZE, &cfg->ring_size) && cfg->ring_size &&
	    !ringprof_size_ok(cfg->ring_size))
		return REFUSE(info, RING_SIZE,
			      "ring size: must be a power of two from 16 KiB to 64 MiB, or 0 (by "
			      "rate)");
	if (get_u32(info, RINGPROF_A_NODE_BUDGET, &cfg->node_budget) && cfg->node_budget &&
	    (cfg->node_budget < RP_MIN_NODES || cfg->node_budget > RP_MAX_NODES ||
	     !is_power_of_2(cfg->node_budget)))
		return REFUSE(info, NODE_BUDGET,
			      "node budget: must be a power of two from 2048 to 1048576, or 0 (by "
			      "rate)");
	/* a chain that can never be written would be a loss that looks like a slow reader's */
	if (cfg->max_depth > RP_SMALL_DEPTH &&
	    ((cfg->ring_size && cfg->ring_size < 2 * RINGPROF_MIN_DATA_SIZE) ||
	     (cfg->node_budget && cfg->node_budget < 2 * RP_MIN_NODES)))
		return REFUSE(info, MAX_DEPTH,
			      "depth: more than 1024 user frames need a ring of 32 KiB and a node "
			      "budget of 4096, or more, or 0 (by rate)");
	if (info->attrs[RINGPROF_A_TABLE_BUDGET])
		cfg->table_budget = nla_get_u64(info->attrs[RINGPROF_A_TABLE_BUDGET]);
	if (cfg->table_budget > RP_MAX_TABLE_BUDGET)
		return REFUSE(info, TABLE_BUDGET,
			      "table budget: out of range; 0 (no tables) to 64 GiB");
	return 0;
}

static int get_cpus(struct genl_info *info, struct rp_config *cfg)
{
	struct nlattr *a = info->attrs[RINGPROF_A_CPUS];
	char *list;

	if (!a)
		return 0;
	list = nla_data(a);
	cpumask_clear(&cfg->cpus);
	cfg->all_cpus = !*list;
	if (cfg->all_cpus)
		return 0;
	if (cpulist_parse(list, &cfg->cpus))
		return REFUSE(info, CPUS,
			      "CPU list: not a list of this host's CPUs; write it like 0-3,8");
	if (cpumask_empty(&cfg->cpus))
		return REFUSE(info, CPUS,
			      "CPU list: names no CPU; write it like 0-3,8, or empty for the "
			      "default");
	return 0;
}

static int get_filters(struct genl_info *info, struct rp_config *cfg)
{
	struct nlattr *tgids = info->attrs[RINGPROF_A_TGIDS];
	struct nlattr *cgroup = info->attrs[RINGPROF_A_CGROUP];

	if (tgids && nla_len(tgids) % sizeof(u32))
		return REFUSE(info, TGIDS,
			      "process ids: not whole numbers of 32 bits; up to 256 of them");
	if (tgids) {
		cfg->n_tgids = nla_len(tgids) / sizeof(u32);
		memset(cfg->tgids, 0, sizeof(cfg->tgids));
		memcpy(cfg->tgids, nla_data(tgids), nla_len(tgids));
	}
	if (cgroup) {
		memset(cfg->cgroup, 0, sizeof(cfg->cgroup));
		memcpy(cfg->cgroup, nla_data(cgroup), strlen(nla_data(cgroup)));
	}
	return 0;
}

static int get_config(struct genl_info *info, struct rp_config *cfg)
{
	int ret = rp_netlink_check_only(info, SETTABLE);

	if (!ret)
		ret = get_sampling(info, cfg);
	if (!ret)
		ret = get_sizes(info, cfg);
	if (!ret)
		ret = get_cpus(info, cfg);
	if (!ret)
		ret = get_filters(info, cfg);
	return ret;
}

int rp_netlink_set_config(struct genl_info *info)
{
	struct rp_config *cfg = kmalloc(sizeof(*cfg), GFP_KERNEL);
	int ret;

	if (!cfg)
		return -ENOMEM;
	rp_sampler_lock();
	*cfg = *rp_sampler_config();
	ret = get_config(info, cfg);
	if (!ret)
		ret = rp_sampler_configure(cfg, !!info->attrs[RINGPROF_A_CGROUP], RP_EXTACK(info));
	rp_sampler_unlock();
	kfree(cfg);
	return ret;
}

static int put_cpu_list(struct sk_buff *skb, int attr, const struct cpumask *mask)
{
	/* four digits and a comma each */
	size_t len = min_t(size_t, CPU_LIST_LEN, nr_cpu_ids * 5UL + 1);
	char *buf = kmalloc(len, GFP_KERNEL);
	int ret;

	if (!buf)
		return -ENOMEM;
	rp_cpulist_print(buf, len, mask);
	ret = nla_put_string(skb, attr, buf);
	kfree(buf);
	return ret;
}

static int put_masks(struct sk_buff *skb, const struct rp_config *cfg)
{
	struct cpumask *active = kzalloc(sizeof(*active), GFP_KERNEL);
	int ret;

	if (!active)
		return -ENOMEM;
	rp_sampler_active(active);
	ret = put_cpu_list(skb, RINGPROF_A_CPUS_ACTIVE, active);
	kfree(active);
	if (ret)
		return ret;
	return cfg->all_cpus ? nla_put_string(skb, RINGPROF_A_CPUS, "")
			     : put_cpu_list(skb, RINGPROF_A_CPUS, &cfg->cpus);
}

int rp_netlink_put_config(struct sk_buff *skb)
{
	const struct rp_config *cfg = rp_sampler_config();
	u64 period;
	u32 unit;

	rp_sampler_period(&period, &unit);
	if (nla_put_u32(skb, RINGPROF_A_HZ, cfg->hz) ||
	    rp_put_u64(skb, RINGPROF_A_PERIOD, period) || nla_put_u32(skb, RINGPROF_A_UNIT, unit) ||
	    nla_put_u32(skb, RINGPROF_A_EVENT, cfg->event) ||
	    nla_put_u32(skb, RINGPROF_A_RING_SIZE, cfg->ring_size) ||
	    nla_put_u32(skb, RINGPROF_A_NODE_BUDGET, cfg->node_budget) ||
	    nla_put_u32(skb, RINGPROF_A_MAX_DEPTH, cfg->max_depth) ||
	    nla_put_u32(skb, RINGPROF_A_FLAGS, cfg->flags) ||
	    nla_put_u32(skb, RINGPROF_A_BUDGET, cfg->budget) ||
	    rp_put_u64(skb, RINGPROF_A_TABLE_BUDGET, cfg->table_budget) ||
	    nla_put(skb, RINGPROF_A_TGIDS, cfg->n_tgids * sizeof(u32), cfg->tgids) ||
	    nla_put_string(skb, RINGPROF_A_CGROUP, cfg->cgroup))
		return -EMSGSIZE;
	return put_masks(skb, cfg);
}
