// SPDX-License-Identifier: GPL-2.0
/*
 * Walking user stacks over registers and copied bytes, see perf_user.h. The
 * bytes are the profiled program's: nothing in them is believed but as an
 * address in a chain.
 */
#include "source/perf_user.h"

#include <string.h>

#define DWARF_BP 6
#define DWARF_SP 7
#define DWARF_PC 16

/* no code is mapped in the first page: a return address there ends the walk */
#define MIN_USER_PC 4096U

/* Two words of a 32-bit stack; false: not among the bytes. */
static bool read_pair(const struct perf_sample *p, uint64_t at, uint32_t pair[2])
{
	uint64_t off = at - p->regs[DWARF_SP];

	if (at < p->regs[DWARF_SP] || p->stack_len < 8 || off > p->stack_len - 8)
		return false;
	memcpy(pair, (const char *)p->stack + off, 8);
	return true;
}

/* Where the bytes do not reach: was the copy too short, or is there no such stack? */
static enum ringprof_end beyond(const struct perf_sample *p, uint64_t at)
{
	return p->stack_cut && at >= p->regs[DWARF_SP] ? RINGPROF_END_STACK_CUT
						       : RINGPROF_END_FAULT;
}

/* By frame pointers, bp and return address side by side, always upwards. */
static void walk_compat(const struct perf_sample *p, struct user_frames *f)
{
	uint64_t bp = p->regs[DWARF_BP], last = 0;
	uint32_t room = f->n, pair[2];

	f->n = 0;
	f->flags = RINGPROF_SAMPLE_COMPAT;
	for (;; f->n++) {
		f->end = RINGPROF_END_FP_ZERO;
		if (!bp)
			break;
		f->end = bp > UINT32_MAX || bp % 4 ? RINGPROF_END_FP_RANGE : RINGPROF_END_FP_ORDER;
		if (f->end == RINGPROF_END_FP_RANGE || bp <= last)
			break;
		f->end = beyond(p, bp);
		if (!read_pair(p, bp, pair))
			break;
		f->end = RINGPROF_END_PC_RANGE;
		if (pair[1] < MIN_USER_PC)
			break;
		f->end = RINGPROF_END_DEPTH;
		if (f->n == room)
			break;
		f->addr[f->n] = pair[1];
		f->flags |= RINGPROF_SAMPLE_USER_FP;
		last = bp;
		bp = pair[0];
	}
	f->fp_frames = f->n;
}

static void walk_rows(const struct source *s, const struct perf_sample *p, uint64_t time,
		      struct user_frames *f)
{
	struct user_stack in = {
		.time = time,
		.cgroup = p->cgroup,
		.pid = p->pid,
		.tid = p->tid,
		.stack = p->stack,
		.len = p->stack_len,
		.cut = p->stack_cut,
	};

	_Static_assert(SOURCE_REGS == PERF_USER_REGS, "the same registers");
	memcpy(in.regs, p->regs, sizeof(in.regs));
	s->cfg.unwind(s->cfg.unwind_arg, &in, f);
}

static void count(struct perf_walker *w, const struct user_frames *f)
{
	w->unwind[RINGPROF_UNW_ROW_FRAMES] += f->row_frames;
	w->unwind[RINGPROF_UNW_FP_FRAMES] += f->fp_frames;
	w->unwind[f->flags & RINGPROF_SAMPLE_NEW_MM ? RINGPROF_UNW_MM_NEW : RINGPROF_UNW_MM_KNOWN]++;
}

const struct perf_user *perf_walk(struct perf_walker *w, struct source *s,
				  const struct perf_sample *p, uint64_t time)
{
	uint32_t max = s->cfg.max_depth ? s->cfg.max_depth : RINGPROF_MAX_DEPTH, n = 0;
	struct user_frames f = { .end = RINGPROF_END_NO_MM };

	if (max > RINGPROF_DEPTH_LIMIT)
		max = RINGPROF_DEPTH_LIMIT;
	/* a task so far into its exit, or exec, that its memory is gone: the pc says nothing */
	if (!p->kernel || p->stack_len) {
		if (p->kernel)
			w->addr[n++] = p->regs[DWARF_PC];
		f.addr = w->addr + n;
		f.n = max;
		if (p->abi == PERF_SAMPLE_REGS_ABI_32)
			walk_compat(p, &f);
		else
			walk_rows(s, p, time, &f);
		count(w, &f);
	}
	w->part = (struct perf_user){
		.addr = w->addr,
		.n = n + (f.n < max ? f.n : max),
		.end = f.end,
		.flags = f.flags,
	};
	return &w->part;
}
