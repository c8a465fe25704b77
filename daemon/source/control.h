/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Netlink control of the module, for the kmod source, the CLI and tests: one
 * call, one request. Errors are -errno with the module's extack text, or our
 * own sentence, in c->err.
 */
#ifndef RINGPROF_SOURCE_CONTROL_H
#define RINGPROF_SOURCE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/ringprof.h>

/* how messages end that tell of a module whose START is refused */
#define CONTROL_OFF "switched off by ringprof.off=1: boot without it, or modprobe ringprof off=0"

struct control;

struct control_info {
	uint32_t abi_major, abi_minor;
	char version[64];
	uint64_t features, instance, memory;
	uint64_t table_bytes;
	uint32_t table_count; /* unwind tables in use */
	uint32_t state;	      /* enum ringprof_state */
	uint32_t reader_pid;  /* 0: none */
	char reader_comm[32];
};

/* set_* tells control_set which fields to send; control_get fills all values */
struct control_config {
	uint32_t hz, unit, event, ring_size, max_depth, flags, budget, node_budget;
	uint64_t period, table_budget;
	char cpus[1024], cpus_active[1024], cgroup[4096];
	uint32_t tgids[256];
	uint32_t n_tgids;
	bool set_hz, set_event, set_ring_size, set_max_depth, set_flags, set_budget,
		set_node_budget, set_cpus, set_cgroup, set_tgids, set_table_budget;
};

struct control_stats {
	int32_t cpu; /* -1: totals */
	uint64_t calls, outcomes[16], missed, event_count, elapsed, chain_hits, nodes, bytes,
		frames, handler_ns, node_limit_hits;
	uint64_t unwind[32]; /* by enum ringprof_unwind_counter; not a CPU's own: in totals alone */
	uint32_t n_outcomes, n_unwind, epoch;
};

/* 0 or -errno: -ENOENT the module is not loaded, -EPERM no right; err always filled then. */
int control_open(struct control **ret, char *err, size_t errlen);
void control_close(struct control *c);
const char *control_error(const struct control *c);
int control_info(struct control *c, struct control_info *ret);
int control_get(struct control *c, struct control_config *ret);
int control_set(struct control *c, const struct control_config *cfg);
int control_start(struct control *c);
int control_stop(struct control *c);
/* Totals. */
int control_stats(struct control *c, struct control_stats *ret);
/* One per CPU into ret[0..max); gives the number. */
int control_stats_cpus(struct control *c, struct control_stats *ret, size_t max);

/* Of enum ringprof_state: "sampling", "stopped", "switched off by ringprof.off=1". */
const char *control_state_name(uint32_t state);
/* The name of an outcome or end as metrics and frames spell it: "ring full", "idle", ... */
const char *control_outcome_name(unsigned int outcome);
const char *control_end_name(unsigned int end);
/* Of enum ringprof_unwind_counter: "row frames", "tables evicted", ... */
const char *control_unwind_name(unsigned int counter);

#endif
