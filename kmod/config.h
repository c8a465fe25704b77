/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Settings, as user space gave them (0 and empty are defaults), and what is
 * made of them. Copied by value; changed under rp_lock only.
 */
#ifndef RINGPROF_KMOD_CONFIG_H
#define RINGPROF_KMOD_CONFIG_H

#include <linux/cpumask.h>
#include <linux/ringprof.h>

#define RP_MAX_TGIDS	  256
#define RP_CGROUP_PATH	  1024
#define RP_DEFAULT_BUDGET 100

struct rp_config {
	u32 hz;
	u32 event;
	u32 ring_size;
	u32 node_budget;
	u32 max_depth;
	u32 flags;
	u32 budget;	  /* of the governor, 1/10000 of a CPU */
	u64 table_budget; /* bytes */
	bool all_cpus;	  /* cpus is empty: the default mask */
	u32 n_tgids;
	u32 tgids[RP_MAX_TGIDS];
	char cgroup[RP_CGROUP_PATH];
	struct cpumask cpus;
};

void rp_config_init(struct rp_config *cfg);

/* Ring bytes and trie nodes in force: as set, else by rate. */
u32 rp_config_ring_size(const struct rp_config *cfg);
u32 rp_config_node_budget(const struct rp_config *cfg);

/* May this CPU be sampled? */
bool rp_config_has_cpu(const struct rp_config *cfg, int cpu);

#endif
