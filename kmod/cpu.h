/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that belongs to one CPU: its stream (ring and trie), the sampling event,
 * and what the sampler keeps between samples. A struct rp_cpu is made when its
 * CPU first comes under the mask and lives until the module goes.
 *
 * Cold parts are under rp_lock; it nests inside cpus_read_lock() and, in
 * mmap(2), inside the caller's mmap lock.
 */
#ifndef RINGPROF_KMOD_CPU_H
#define RINGPROF_KMOD_CPU_H

#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/perf_event.h>

#include "emit.h"
#include "mm.h"

struct rp_config;

/* what the event delivered while it had one period */
struct rp_run {
	u64 count;    /* perf_event_read_value() */
	u64 elapsed;  /* ns */
	u64 expected; /* overflows in that time */
};

struct rp_cpu {
	/* the sampler's, hot */
	struct rp_stream s;
	u8 busy;	  /* a sample is being taken: what hits now is nested */
	bool woken;	  /* the reader was woken for this filling of the ring */
	u64 window_start; /* of the governor */
	u64 window_ns;	  /* the sampler's own time in it */
	struct irq_work wake;
	struct rp_mm_notes notes;
	struct rp_mm_pages pages;
	u64 unwind[__RINGPROF_UNW_MAX]; /* those that samplers count */
	u64 chain[RP_MAX_CHAIN];

	/* under rp_lock */
	int cpu;
	void *trie_mem;
	u32 node_budget;
	struct perf_event *event; /* NULL: not sampling */
	u32 event_type;		  /* enum ringprof_event_type of event */
	u64 period;
	u64 enabled_after; /* its time began between these, ns of CLOCK_MONOTONIC */
	u64 enabled_before;
	struct rp_run past; /* all runs before this event's */
	u64 seen_calls;	    /* by the watch, a second ago */
	u64 seen_busy_ns;
	u64 seen_handler_ns;
	u64 seen_throttled;
	bool no_cycles; /* the counter failed here: cpu-clock until the next START */
};

extern struct mutex rp_lock;
/* The rings' memory, against mmap(2); nests inside rp_lock and mmap locks, nothing inside it. */
extern struct mutex rp_rings_lock;

DECLARE_PER_CPU(struct rp_cpu *, rp_cpus);

/* NULL: that CPU never was under the mask. */
static inline struct rp_cpu *rp_cpu_of(int cpu)
{
	return per_cpu(rp_cpus, cpu);
}

/*
 * Makes what sampling this CPU needs, as far as it is not there: pages always
 * (-ENOMEM), ring and trie if memory allows (else samples count as NO_RING).
 * resize: sizes other than cfg wants are replaced (no reader, event off). With its event
 * on a CPU has a ring, or is left without (event off first).
 */
int rp_cpu_prepare(int cpu, const struct rp_config *cfg, bool resize);

/* ns between samples of the clock at this rate */
u64 rp_cpu_clock_period(u32 hz);

/* What the period of this CPU's event counts: nanoseconds or cycles. */
static inline u32 rp_cpu_unit(const struct rp_cpu *c)
{
	return c->event_type == RINGPROF_EVENT_CYCLES ? RINGPROF_UNIT_CYCLES : RINGPROF_UNIT_NS;
}

/* Makes and enables the event. The CPU is online. 0 or -errno. */
int rp_cpu_arm(struct rp_cpu *c, const struct rp_config *cfg, u32 hz);

/* The same for one that was disarmed a moment ago; failing, the log says that it is left out. */
void rp_cpu_arm_again(struct rp_cpu *c, const struct rp_config *cfg, u32 hz);

/*
 * Event off and gone, its count kept, what the sampler left to irq_works done.
 * No sampler runs afterwards.
 */
void rp_cpu_disarm(struct rp_cpu *c);

/* Everything up to now, the running event's share included. Sleeps. */
struct rp_run rp_cpu_run(struct rp_cpu *c);

/* Bytes held for rings and tries, all CPUs. */
u64 rp_cpu_memory(void);

/* Module exit: samplers are off, no reader is left. */
void rp_cpu_free_all(void);

#endif
