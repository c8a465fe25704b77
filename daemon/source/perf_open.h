/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two perf events of ours, in the richest form that this kernel takes, and
 * sentences for what it refuses.
 */
#ifndef RINGPROF_SOURCE_PERF_OPEN_H
#define RINGPROF_SOURCE_PERF_OPEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/perf_event.h>

/*
 * Find the form by opening it on `cpu` once; fill *attr for every later
 * perf_open_cpu. 0 or -errno as perf_open_cpu gives it.
 */
int perf_probe_side(struct perf_event_attr *attr, int cpu);
/*
 * cgroup: fd of a cgroup to sample, or -1. max_stack 0: the kernel's own limit.
 * user_stack: bytes of user stack to copy, with the registers, instead of
 * having perf walk it; 0: perf walks.
 */
int perf_probe_sampling(struct perf_event_attr *attr, int cpu, int cgroup, uint64_t period,
			uint32_t max_stack, uint32_t user_stack);

/* Number in /proc/sys/kernel/NAME, or `otherwise`. */
long perf_sysctl(const char *name, long otherwise);

/* Says why opening (mapping) an event failed with -errno r, and what can be done. */
void perf_explain(int r, bool mapping, char *err, size_t errlen);

/*
 * Directory of cgroup `path` (below the mount) in the hierarchy that perf knows;
 * an fd or -errno with a sentence.
 */
int perf_open_cgroup(const char *path, char *err, size_t errlen);

#endif
