/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One CPU of the perf source: its event, the way of its samples to the
 * receiver, and the account of every overflow. Private to perf.c and
 * perf_cpu.c.
 */
#ifndef RINGPROF_SOURCE_PERF_CPU_H
#define RINGPROF_SOURCE_PERF_CPU_H

#include "base/buf.h"
#include "source/perf_chain.h"
#include "source/perf_ring.h"
#include "source/perf_user.h"
#include "source/source_priv.h"

struct perf;

struct perf_cpu {
	struct stream stream; /* first: a stream is its perf_cpu */
	struct perf *p;
	uint32_t cpu;
	uint32_t generation; /* the side band's when this was opened */
	struct perf_ring ring;
	struct perf_sample sample; /* at hand; points into the ring */
	uint64_t calls, outcome[RINGPROF_OUT_MAX + 1], bytes, corrupt, lost_samples;
	uint64_t throttled_at; /* 0: not now */
	/*
	 * Missed periods are counted at a snapshot: the time enabled until then
	 * against the calls from before then, which are all here only some time
	 * later. All of it counts from the start, so a snapshot may go unused.
	 */
	uint64_t missed;
	uint64_t enabled_before; /* ns, of events closed since */
	uint64_t snap_time, snap_enabled, snap_calls;
	/*
	 * An idle CPU without a tick stops its sampling timer after a while
	 * (perf's throttle waits for a tick). No CPU time is lost by that, so
	 * idle time by /proc/stat is left out of what should have been sampled.
	 */
	uint64_t idle_first, snap_idle, snap_busy_calls;
	bool idle_known;
};

struct perf {
	struct source *s;
	struct perf_event_attr attr;
	struct cpu_mask mask; /* CPUs wished for, on line or not */
	struct perf_chain_cache cache;
	struct perf_walker walker;
	uint64_t period;
	size_t ring_bytes;
	uint32_t max_stack;
	uint32_t user_stack; /* bytes copied of user stacks, 0: perf walks them */
	int cgroup;	     /* fd of the one to sample, -1: all */
	bool host_pids;	     /* pid 0 is the idle task and nobody else */
	bool running;
	bool stopped;	 /* after it ran */
	struct buf stat; /* /proc/stat as last read */
	uint32_t n_cpus;
	struct perf_cpu cpus[];
};

void perf_cpu_init(struct perf_cpu *c, struct perf *p, uint32_t cpu);
/* 0, -ENODEV (the CPU is off line) or -errno; *mapping tells which step failed. */
int perf_cpu_open(struct perf_cpu *c, bool *mapping);
void perf_cpu_close(struct perf_cpu *c); /* counters stay */
int perf_cpu_enable(struct perf_cpu *c, bool on);
/* Brings `missed` up to the last snapshot, once all is here from before it. */
void perf_cpu_settle(struct perf_cpu *c);
/* Settles the last snapshot and takes a new one; stat: the text of /proc/stat, "" unreadable. */
void perf_cpu_snapshot(struct perf_cpu *c, const char *stat);

#endif
