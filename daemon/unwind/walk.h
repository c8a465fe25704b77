/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The walker (include/ringprof/walk.h, the same code as the module's) over
 * registers and stack bytes that were copied: perf's samples, and recorded
 * ones in tests.
 */
#ifndef RINGPROF_UNWIND_WALK_H
#define RINGPROF_UNWIND_WALK_H

#include <stddef.h>
#include <stdint.h>

#include <linux/ringprof.h>

#include "proc/ptable.h"
#include "unwind/tables.h"

/* user registers by DWARF number: 7 is rsp, 6 rbp, 16 the pc */
#define WALK_REGS 17

struct walk_input {
	uint64_t regs[WALK_REGS];
	const void *stack; /* bytes from regs[7] on */
	size_t stack_len;
	bool stack_cut; /* the copy ends before the stack does */
};

struct walk_counters {
	uint64_t row_frames, fp_frames;
};

/*
 * The callers of the input's pc, leaf side first, as chain nodes are
 * (uapi header, CALL CHAINS); *n in: room, out: number. Gives why it ended.
 * p: whose mappings; flags: RINGPROF_SAMPLE_* found.
 */
enum ringprof_end walk_user(struct tables *t, struct ptable *pt, struct process *p,
			    const struct walk_input *in, uint64_t *ret, uint32_t *n,
			    uint32_t *flags, struct walk_counters *c);

#endif
