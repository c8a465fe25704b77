// SPDX-License-Identifier: GPL-2.0
/* Defaults, and sizes by rate. */
#include <linux/log2.h>
#include <linux/sched.h>

#include "compat.h"
#include "config.h"
#include "ringprof/ring.h"
#include "table.h"
#include "trie.h"

/*
 * A sample takes some 40 to 80 bytes and the reader comes once a second: 1 KiB
 * a sample and second is room for ten late seconds.
 */
#define RING_BYTES_PER_HZ 1024U
#define RING_MIN	  0x10000U
#define RING_MAX	  0x1000000U

/*
 * A mixed load makes four to eight new nodes a sample while its table is cold:
 * an epoch lasts half a minute or more, and a new one costs little then.
 */
#define NODES_PER_HZ 256U
#define NODES_MIN    8192U
#define NODES_MAX    (1U << 19)

void rp_config_init(struct rp_config *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	cfg->hz = RINGPROF_DEFAULT_HZ;
	cfg->max_depth = RINGPROF_MAX_DEPTH;
	cfg->budget = RP_DEFAULT_BUDGET;
	cfg->table_budget = RP_DEFAULT_TABLE_BUDGET;
	cfg->all_cpus = true;
}

u32 rp_config_ring_size(const struct rp_config *cfg)
{
	if (cfg->ring_size)
		return cfg->ring_size;
	return clamp_t(u32, roundup_pow_of_two(cfg->hz * RING_BYTES_PER_HZ), RING_MIN, RING_MAX);
}

u32 rp_config_node_budget(const struct rp_config *cfg)
{
	if (cfg->node_budget)
		return cfg->node_budget;
	return clamp_t(u32, roundup_pow_of_two(cfg->hz * NODES_PER_HZ), NODES_MIN, NODES_MAX);
}

bool rp_config_has_cpu(const struct rp_config *cfg, int cpu)
{
	return cfg->all_cpus ? rp_housekeeping_cpu(cpu) : cpumask_test_cpu(cpu, &cfg->cpus);
}
