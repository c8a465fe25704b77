// SPDX-License-Identifier: GPL-2.0
/*
 * See walk.h. Nothing here trusts the copied bytes: a word is read only if it
 * lies in the copy as a whole, and mappings and tables are asked anew where
 * the pc leaves the piece that was found last.
 */
#include "unwind/walk.h"

#include <string.h>

/* defined below; its declarations are walk.h's of include/ringprof */
struct ringprof_walker {
	const struct walk_space *space;
	const struct walk_input *in;
	struct walk_span span; /* found last; empty at first */
	uint64_t *chain;
	uint32_t n;
};

/* perf copies from sp on */
#define RINGPROF_WALK_FROM_SP 1
#include "ringprof/walk.h"

/* user space ends one page below 2^47, or 2^56 where five levels of page tables are used */
#define USER_END   ((1ULL << 56) - 4096)
#define USER_END32 (1ULL << 32)

/* Where these bytes are in the copy; NULL: not there. */
static const void *copied(const struct walk_input *in, uint64_t addr, size_t size)
{
	uint64_t off = addr - in->regs[WALK_SP];

	if (in->stack_len < size || off > in->stack_len - size)
		return NULL;
	return (const char *)in->stack + off;
}

static enum ringprof_end not_there(const struct walk_input *in)
{
	return in->stack_cut ? RINGPROF_END_STACK_CUT : RINGPROF_END_FAULT;
}

static enum ringprof_end ringprof_walker_read(struct ringprof_walker *w, __u64 addr, __u64 *ret)
{
	const void *p = copied(w->in, addr, sizeof(*ret));
	uint64_t word;

	if (p) {
		memcpy(ret, p, sizeof(*ret));
		return RINGPROF_END_NONE;
	}
	if (!w->space->read || !w->space->read(w->space->arg, addr, &word))
		return not_there(w->in);
	*ret = word;
	return RINGPROF_END_NONE;
}

static enum ringprof_end ringprof_walker_read2(struct ringprof_walker *w, __u64 a, __u64 b,
					       __u64 *ret_a, __u64 *ret_b)
{
	enum ringprof_end why = ringprof_walker_read(w, a, ret_a);

	return why == RINGPROF_END_NONE ? ringprof_walker_read(w, b, ret_b) : why;
}

static __u32 ringprof_walker_rule(struct ringprof_walker *w, __u64 at)
{
	struct walk_span *s = &w->span;

	if (at - s->start >= s->end - s->start) {
		*s = (struct walk_span){ 0 };
		if (!w->space->span(w->space->arg, at, s))
			*s = (struct walk_span){ 0 };
	}
	return s->table ? ringprof_row_find(s->table, at - s->bias) : RINGPROF_CFA_GAP;
}

static __u64 ringprof_walker_reg(struct ringprof_walker *w, __u32 number)
{
	return w->in->regs[number];
}

static void ringprof_walker_add(struct ringprof_walker *w, __u64 addr)
{
	w->chain[w->n++] = addr;
}

/* A 32-bit task's frames, all by frame pointers, as in the module. */
static enum ringprof_end walk32(struct ringprof_walker *w, uint32_t room)
{
	uint64_t fp = (uint32_t)w->in->regs[WALK_BP], sp = (uint32_t)w->in->regs[WALK_SP];

	for (;; w->n++) {
		uint32_t frame[2];
		const void *p;

		if (!fp)
			return RINGPROF_END_FP_ZERO;
		if (fp & 3 || fp > USER_END32 - sizeof(frame))
			return RINGPROF_END_FP_RANGE;
		if (fp < sp)
			return RINGPROF_END_FP_ORDER;
		p = copied(w->in, fp, sizeof(frame));
		if (!p)
			return not_there(w->in);
		memcpy(frame, p, sizeof(frame));
		if (!ringprof_is_pc(frame[1], USER_END32))
			return frame[0] ? RINGPROF_END_PC_RANGE : RINGPROF_END_FP_ZERO;
		if (w->n == room)
			return RINGPROF_END_DEPTH;
		w->chain[w->n] = frame[1];
		sp = fp + sizeof(frame);
		fp = frame[0];
	}
}

static enum ringprof_end walk64(struct ringprof_walker *w, uint32_t room, struct walk_counters *c)
{
	const uint64_t *r = w->in->regs;
	struct ringprof_walk s;
	enum ringprof_end why;

	ringprof_walk_begin(&s, r[WALK_PC], r[WALK_SP], r[WALK_BP], USER_END, room);
	why = ringprof_walk_up(w, &s);
	c->row_frames += s.row_frames;
	c->fp_frames += s.fp_frames;
	return why;
}

enum ringprof_end walk_space(const struct walk_space *sp, const struct walk_input *in,
			     uint64_t *ret, uint32_t *n, uint32_t *flags, struct walk_counters *c)
{
	struct ringprof_walker w = { .space = sp, .in = in, .chain = ret };
	struct walk_counters here = { 0 };
	enum ringprof_end why;

	if (in->compat) {
		why = walk32(&w, *n);
		here.fp_frames = w.n;
		*flags |= RINGPROF_SAMPLE_COMPAT;
	} else {
		why = walk64(&w, *n, &here);
	}
	*n = w.n;
	*flags |= here.row_frames ? RINGPROF_SAMPLE_ROWS : 0;
	*flags |= here.fp_frames ? RINGPROF_SAMPLE_USER_FP : 0;
	c->row_frames += here.row_frames;
	c->fp_frames += here.fp_frames;
	return why;
}

bool walk_bias(const struct ringprof_segment *seg, uint32_t n, uint64_t addr, uint64_t offset,
	       uint64_t *ret)
{
	for (uint32_t i = 0; i < n; i++) {
		if (offset - seg[i].offset < seg[i].size) {
			*ret = addr - (offset - seg[i].offset + seg[i].vaddr);
			return true;
		}
	}
	return false;
}
