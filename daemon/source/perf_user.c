// SPDX-License-Identifier: GPL-2.0
/* The way of registers and copied bytes to the unwinder and back, see perf_user.h. */
#include "source/perf_user.h"

#include <string.h>

#define DWARF_PC 16

static void walk(const struct source *s, const struct perf_sample *p, uint64_t time,
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
		.compat = p->abi == PERF_SAMPLE_REGS_ABI_32,
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
		walk(s, p, time, &f);
		count(w, &f);
	}
	if (p->abi == PERF_SAMPLE_REGS_ABI_32)
		f.flags |= RINGPROF_SAMPLE_COMPAT;
	w->part = (struct perf_user){
		.addr = w->addr,
		.n = n + (f.n < max ? f.n : max),
		.end = f.end,
		.flags = f.flags,
	};
	return &w->part;
}
