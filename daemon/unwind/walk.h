/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The walker (include/ringprof/walk.h, the same code as the module's) over
 * registers and stack bytes that were copied: perf's samples, and recorded
 * ones in tests.
 */
#ifndef RINGPROF_UNWIND_WALK_H
#define RINGPROF_UNWIND_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/ringprof.h>

#include "proc/ptable.h"
#include "unwind/tables.h"

/* user registers by DWARF number: 7 is rsp, 6 rbp, 16 the pc */
#define WALK_REGS 17
#define WALK_RAX  0
#define WALK_BP	  6
#define WALK_SP	  7
#define WALK_PC	  16

struct walk_input {
	uint64_t regs[WALK_REGS];
	const void *stack; /* bytes from regs[7] on */
	size_t stack_len;
	bool stack_cut; /* the copy ends before the stack does */
	bool compat;	/* a 32-bit task: frame pointers of 4 bytes, no rows */
};

struct walk_counters {
	uint64_t row_frames, fp_frames;
};

/*
 * The callers of the input's pc, leaf side first, as chain nodes are
 * (uapi header, CALL CHAINS); *n in: room, out: number. Gives why it ended.
 * p: whose mappings; flags: RINGPROF_SAMPLE_* found (added). Collector thread.
 */
enum ringprof_end walk_user(struct tables *t, struct ptable *pt, struct process *p,
			    const struct walk_input *in, uint64_t *ret, uint32_t *n,
			    uint32_t *flags, struct walk_counters *c);

/* a piece of an address space, [start, end), and how addresses there are looked up */
struct walk_span {
	uint64_t start, end;
	uint64_t bias;			    /* address in the process - address in the file */
	const struct ringprof_table *table; /* NULL: code without rows */
};

/* An address space that is none of the process table's. */
struct walk_space {
	/* Fills in the piece that holds addr; false: nothing is known there. */
	bool (*span)(void *arg, uint64_t addr, struct walk_span *ret);
	/* A word outside of the copied stack; NULL: there is none. */
	bool (*read)(void *arg, uint64_t addr, uint64_t *ret);
	void *arg;
};

/* walk_user() in such a space. Any thread, as far as the two functions allow it. */
enum ringprof_end walk_space(const struct walk_space *sp, const struct walk_input *in,
			     uint64_t *ret, uint32_t *n, uint32_t *flags, struct walk_counters *c);

/* The bias of an address that lies at this file offset; false: in no segment. */
bool walk_bias(const struct ringprof_segment *seg, uint32_t n, uint64_t addr, uint64_t offset,
	       uint64_t *ret);

#endif
