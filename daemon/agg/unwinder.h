/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The collector's part in unwinding: sees to it that the files of sampled
 * processes have their unwind tables, walks the perf source's user stacks with
 * them, and gives them to the module where there is one.
 *
 * A table takes its time to be compiled (libc: some 10 ms), and a sample that
 * is walked before has frame pointers alone. So the perf source's samples wait
 * in their rings for the tables of their process: each process for at most
 * UNWINDER_WAIT_NS, all of them together out of an allowance (`patience`) that
 * comes back at a tenth of the time that passes, and never on with a ring half
 * full.
 *
 * Collector thread, but for the status.
 */
#ifndef RINGPROF_AGG_UNWINDER_H
#define RINGPROF_AGG_UNWINDER_H

#include <stdbool.h>
#include <stdint.h>

#include "proc/ptable.h"
#include "source/chains.h"
#include "source/source.h"
#include "unwind/handover.h"
#include "unwind/tables.h"

#define UNWINDER_WAIT_NS 500000000ULL /* a process's samples for its tables, at most */

struct unwinder;

struct unwinder_config {
	struct tables_config tables;
	uint64_t patience; /* ns, 0: UNWINDER_WAIT_NS */
};

struct unwinder_status {
	struct tables_counters tables;
	struct handover_counters handover;
	char handover_error[256]; /* the last one, "" none */
	uint64_t waits, wait_ns;  /* for tables */
	uint64_t unready;	  /* samples walked before their tables were there */
};

/* files and ptable stay the caller's. NULL: no memory. */
struct unwinder *unwinder_new(const struct unwinder_config *cfg, struct files *files,
			      struct ptable *ptable);
void unwinder_free(struct unwinder *u); /* NULL is fine; before the process table */

/* A source_unwind_fn: arg is the struct unwinder. */
void unwinder_walk(void *unwinder, const struct user_stack *in, struct user_frames *out);
/*
 * A sample that the module walked: have its process's tables made, and see
 * whether it went through a file whose table the module let go of.
 */
void unwinder_sample(struct unwinder *u, const struct chains *chains, const struct event *ev);
/* Before a drain; wake: fd that is readable when a ring is half full, -1 none. */
void unwinder_before(struct unwinder *u, int wake);
/*
 * After a drain: tables to the module, a slice of time; without one nothing.
 * True: there is more to give, or soon will be: better not wait a whole round.
 */
bool unwinder_after(struct unwinder *u, const struct source_info *info);
/* Has the tables of a process made and waits for them, at most timeout ns. */
void unwinder_prepare(struct unwinder *u, int32_t pid, uint64_t timeout);
/* Collector thread. */
void unwinder_status(struct unwinder *u, struct unwinder_status *ret);

#endif
