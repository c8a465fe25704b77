/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One overflow of the sampling event: decides, walks, emits, counts. Runs in
 * the hard IRQ of cpu-clock or the NMI of a counter.
 */
#ifndef RINGPROF_KMOD_SAMPLE_H
#define RINGPROF_KMOD_SAMPLE_H

#include <linux/perf_event.h>

struct rp_cpu;

/* Of perf_event_create_kernel_counter(); the context is the CPU's struct rp_cpu. */
void rp_sample_overflow(struct perf_event *event, struct perf_sample_data *data,
			struct pt_regs *regs);

/* The same for a caller that is no perf event. On c's CPU, interrupts off. */
void rp_sample_take(struct rp_cpu *c, struct pt_regs *regs);

/* Sampler's own time allowed per CPU and second, ns; 0: not measured, no limit. */
extern u64 rp_sample_budget_ns;

#endif
