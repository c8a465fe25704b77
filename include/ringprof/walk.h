/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The walk up a user stack: per pc an unwind row, else a frame pointer, and
 * back to rows at the next pc that has one. One code for the module (the live
 * stack, in IRQ and NMI), the daemon (copied stacks) and the tests.
 *
 * What differs between them comes in as plain functions that the including .c
 * file defines, so that in the kernel no call is indirect: struct
 * ringprof_walker and the four functions declared below.
 *
 * sp is kept up by both ways, so they can alternate from frame to frame. Frames
 * must go up (the CFA above sp, the frame pointer not below it) but where the
 * code itself says that it is on another stack: below a signal frame, where
 * the CFA was loaded from memory, and where a row knows of bp alone. There a
 * stack can go round; the number of frames is what ends it, for each turn adds
 * one.
 *
 * Every address is checked against the end of user space and for alignment
 * before it is read. No allocation, no recursion, no state but the two structs.
 */
#ifndef RINGPROF_WALK_H
#define RINGPROF_WALK_H

#include <linux/ringprof.h>

#include "ringprof/port.h"
#include "ringprof/row.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* the includer's own: whose memory, tables and chain */
struct ringprof_walker;

/*
 * One word, or two, of user memory. The addresses are multiples of 8 within
 * user space. RINGPROF_END_NONE, or why they cannot be read.
 */
static enum ringprof_end ringprof_walker_read(struct ringprof_walker *w, __u64 addr, __u64 *ret);
static enum ringprof_end ringprof_walker_read2(struct ringprof_walker *w, __u64 a, __u64 b,
					       __u64 *ret_a, __u64 *ret_b);
/* The rule that holds at this address of the process; 0 (GAP): none. */
static __u32 ringprof_walker_rule(struct ringprof_walker *w, __u64 at);
/* The leaf's register by DWARF number, 0 to 15. */
static __u64 ringprof_walker_reg(struct ringprof_walker *w, __u32 number);
/* Takes one more address of the chain, leaf side first. */
static void ringprof_walker_add(struct ringprof_walker *w, __u64 addr);

struct ringprof_walk {
	__u64 pc, sp, bp; /* sp 0: unknown, frame pointers can find it again */
	__u64 end;	  /* the first address that is no user space any more */
	__u64 context;	  /* at_pc: where a signal frame keeps the registers, 0: the leaf's */
	__u32 left;	  /* frames that may be added yet */
	__u32 row_frames, fp_frames;
	bool at_pc;   /* pc is about to run, it is no return address */
	bool bp_lost; /* the rows say that bp could not be recovered */
};

/*
 * An includer whose copy of the stack begins at sp says so by defining this as
 * 1. Compilers do not tell of the pop in an epilogue, so a place of bp just
 * below sp is one that was popped, as good as always, and bp is the caller's
 * already. Who can read down there need not guess: the value still stands there.
 */
#ifndef RINGPROF_WALK_FROM_SP
#define RINGPROF_WALK_FROM_SP 0
#endif
#define RINGPROF_RED_ZONE 128 /* bytes below sp that are the function's own, x86-64 ABI */

/* No page below this is ever code; the word above the outermost frame may be argc. */
#define RINGPROF_LOWEST_PC 4096

/*
 * Where the kernel's rt_sigframe keeps registers, from the address that sp has
 * when the handler returned: struct ucontext, whose uc_mcontext (struct
 * sigcontext of asm/sigcontext.h) follows uc_flags, uc_link and uc_stack:
 * r8 to r15, di, si, bp, bx, dx, ax, cx, sp, ip, 8 bytes each.
 */
#define RINGPROF_UC_MCONTEXT 40
#define RINGPROF_UC_REG(n)   (RINGPROF_UC_MCONTEXT + 8 * (n))
#define RINGPROF_UC_BP	     RINGPROF_UC_REG(10)
#define RINGPROF_UC_SP	     RINGPROF_UC_REG(15)
#define RINGPROF_UC_IP	     RINGPROF_UC_REG(16)

/* A walk's start: the registers, `end` of user space, frames wanted. */
static __always_inline void ringprof_walk_begin(struct ringprof_walk *s, __u64 pc, __u64 sp,
						__u64 bp, __u64 end, __u32 max)
{
	s->pc = pc;
	s->sp = sp;
	s->bp = bp;
	s->end = end;
	s->context = 0;
	s->left = max;
	s->row_frames = 0;
	s->fp_frames = 0;
	s->at_pc = true;
	s->bp_lost = false;
}

static __always_inline bool ringprof_is_pc(__u64 pc, __u64 end)
{
	return pc - RINGPROF_LOWEST_PC < end - RINGPROF_LOWEST_PC;
}

/* May `size` bytes be read there? */
static __always_inline bool ringprof_is_stack(__u64 addr, __u64 size, __u64 end)
{
	return !(addr & 7) && addr >= RINGPROF_LOWEST_PC && addr <= end - size;
}

/* Goes on in the frame of the return address pc. */
static __always_inline enum ringprof_end
ringprof_walk_to(struct ringprof_walker *w, struct ringprof_walk *s, __u64 pc, __u64 sp)
{
	if (unlikely(!s->left))
		return RINGPROF_END_DEPTH;
	s->left--;
	ringprof_walker_add(w, pc);
	s->pc = pc;
	s->sp = sp;
	s->at_pc = false;
	return RINGPROF_END_NONE;
}

/*
 * At bp stand the caller's bp and the return address. The outermost frame has
 * bp 0; above it there may be no return address.
 */
static __always_inline enum ringprof_end ringprof_step_fp(struct ringprof_walker *w,
							  struct ringprof_walk *s)
{
	__u64 bp = s->bp, next, ret;
	enum ringprof_end why;

	if (s->bp_lost)
		return RINGPROF_END_NO_INFO;
	if (!bp)
		return RINGPROF_END_FP_ZERO;
	if (unlikely(!ringprof_is_stack(bp, 16, s->end)))
		return RINGPROF_END_FP_RANGE;
	/* below the stack pointer nothing lives: bp holds something else */
	if (bp < s->sp)
		return RINGPROF_END_FP_ORDER;
	why = ringprof_walker_read2(w, bp, bp + 8, &next, &ret);
	if (why != RINGPROF_END_NONE)
		return why;
	if (unlikely(!ringprof_is_pc(ret, s->end)))
		return next ? RINGPROF_END_PC_RANGE : RINGPROF_END_FP_ZERO;
	s->bp = next;
	why = ringprof_walk_to(w, s, ret, bp + 16);
	s->fp_frames += why == RINGPROF_END_NONE;
	return why;
}

/* struct sigcontext's place of a register by DWARF number, 4 bits each from rax on */
#define RINGPROF_UC_PLACES 0x76543210fa89becdULL

static inline enum ringprof_end ringprof_walk_reg(struct ringprof_walker *w,
						  struct ringprof_walk *s, __u32 number, __u64 *ret)
{
	__u32 place;

	if (!s->at_pc || number > 15)
		return RINGPROF_END_OPAQUE;
	if (!s->context) {
		*ret = ringprof_walker_reg(w, number);
		return RINGPROF_END_NONE;
	}
	place = RINGPROF_UC_PLACES >> 4 * number & 0xf;
	return ringprof_walker_read(w, s->context + RINGPROF_UC_REG(place), ret);
}

/* rax by its DWARF number */
#define RINGPROF_REG_RAX 0

/*
 * Where clone(2) comes back to twice: to the caller, and to a new task on a stack
 * on which nothing was called yet. They are told apart as the code there does it.
 */
static inline enum ringprof_end ringprof_walk_clone(struct ringprof_walker *w,
						    struct ringprof_walk *s, __u64 *ret)
{
	__u64 rax;
	enum ringprof_end why = ringprof_walk_reg(w, s, RINGPROF_REG_RAX, &rax);

	if (why != RINGPROF_END_NONE)
		return why;
	*ret = s->sp;
	if (!rax)
		return RINGPROF_END_ROOT;
	return s->sp ? RINGPROF_END_NONE : RINGPROF_END_SP_RANGE;
}

/* What the CFA is counted from. */
static inline enum ringprof_end ringprof_walk_base(struct ringprof_walker *w,
						   struct ringprof_walk *s, __u32 rule, __u64 *ret)
{
	switch (ringprof_rule_cfa(rule)) {
	case RINGPROF_CFA_SP_DEREF:
	case RINGPROF_CFA_PLT:
		*ret = s->sp;
		return s->sp ? RINGPROF_END_NONE : RINGPROF_END_SP_RANGE;
	case RINGPROF_CFA_BP_DEREF:
		*ret = s->bp;
		return s->bp_lost ? RINGPROF_END_NO_INFO : RINGPROF_END_NONE;
	case RINGPROF_CFA_REG:
		return ringprof_walk_reg(w, s, (__u32)ringprof_rule_bpoff_raw(rule), ret);
	case RINGPROF_CFA_CLONE:
		return ringprof_walk_clone(w, s, ret);
	default:
		return RINGPROF_END_OPAQUE;
	}
}

/* How far it is away; at: the address that was looked up, it tells the place in a PLT slot. */
static inline __u64 ringprof_walk_off(__u32 rule, __u64 at)
{
	__s32 off = ringprof_rule_off(rule);

	if (ringprof_rule_cfa(rule) == RINGPROF_CFA_PLT)
		return (__s32)(at & 15) >= off ? 16 : 8;
	return (__u64)(__s64)off;
}

/* All kinds but SP and BP. */
static inline enum ringprof_end ringprof_walk_cfa_rare(struct ringprof_walker *w,
						       struct ringprof_walk *s, __u32 rule,
						       __u64 at, __u64 *ret)
{
	__u32 kind = ringprof_rule_cfa(rule);
	enum ringprof_end why = ringprof_walk_base(w, s, rule, ret);

	if (why != RINGPROF_END_NONE)
		return why;
	*ret += ringprof_walk_off(rule, at);
	if (kind == RINGPROF_CFA_BP_DEREF || kind == RINGPROF_CFA_SP_DEREF) {
		if (!ringprof_is_stack(*ret, 8, s->end))
			return RINGPROF_END_SP_RANGE;
		why = ringprof_walker_read(w, *ret, ret);
		if (why != RINGPROF_END_NONE)
			return why;
		if (kind == RINGPROF_CFA_SP_DEREF)
			*ret += 8;
		/* the code says that it is on another stack: it may be below this one */
		s->sp = 0;
	}
	return RINGPROF_END_NONE;
}

static inline enum ringprof_end ringprof_walk_cfa(struct ringprof_walker *w,
						  struct ringprof_walk *s, __u32 rule, __u64 at,
						  __u64 *ret)
{
	__u64 off = (__u64)(__s64)((__s32)rule >> RINGPROF_RULE_OFF_SHIFT) * 8;
	__u32 kind = ringprof_rule_cfa(rule);
	enum ringprof_end why;

	if (likely(kind == RINGPROF_CFA_SP)) {
		if (unlikely(!s->sp))
			return RINGPROF_END_SP_RANGE;
		*ret = s->sp + off;
	} else if (kind == RINGPROF_CFA_BP) {
		if (s->bp_lost)
			return RINGPROF_END_NO_INFO;
		*ret = s->bp + off;
		/* by bp alone: the code has left for another stack, which may be above this one */
		if (ringprof_rule_bp(rule) == RINGPROF_BP_AT_BP)
			s->sp = 0;
	} else {
		why = ringprof_walk_cfa_rare(w, s, rule, at, ret);
		if (why != RINGPROF_END_NONE)
			return why;
	}
	if (unlikely(!ringprof_is_stack(*ret - 8, 8, s->end)))
		return RINGPROF_END_SP_RANGE;
	return likely(*ret > s->sp) ? RINGPROF_END_NONE : RINGPROF_END_CFA_ORDER;
}

/*
 * Where the caller's bp stands; 0: nowhere. A place that cannot be is no reason
 * to end: many frames above need no bp.
 */
static inline __u64 ringprof_walk_bp_at(struct ringprof_walk *s, __u32 rule, __u64 cfa)
{
	__u32 kind = ringprof_rule_bp(rule);
	__u64 at;

	if (kind == RINGPROF_BP_SAME)
		return 0;
	/* no rule of a CFA_REG, whose register stands there: ringprof_rule_ok() */
	at = (__u64)(__s64)ringprof_rule_bpoff(rule);
	if (kind == RINGPROF_BP_AT_CFA)
		at += cfa;
	else if (kind == RINGPROF_BP_AT_BP && !s->bp_lost)
		at += s->bp;
	else
		at = 0;
	if (RINGPROF_WALK_FROM_SP && at < s->sp && at >= s->sp - RINGPROF_RED_ZONE && !s->bp_lost)
		return 0;
	if (likely(ringprof_is_stack(at, 8, s->end)))
		return at;
	s->bp_lost = true;
	return 0;
}

static inline enum ringprof_end ringprof_step_row(struct ringprof_walker *w,
						  struct ringprof_walk *s, __u32 rule, __u64 at)
{
	__u64 cfa, bp_at, bp = s->bp, ret;
	enum ringprof_end why = ringprof_walk_cfa(w, s, rule, at, &cfa);

	if (why != RINGPROF_END_NONE)
		return why;
	bp_at = ringprof_walk_bp_at(s, rule, cfa);
	if (bp_at) {
		why = ringprof_walker_read2(w, bp_at, cfa - 8, &bp, &ret);
		s->bp_lost = false;
	} else {
		why = ringprof_walker_read(w, cfa - 8, &ret);
	}
	if (why != RINGPROF_END_NONE)
		return why;
	if (unlikely(!ringprof_is_pc(ret, s->end)))
		return RINGPROF_END_PC_RANGE;
	s->bp = bp;
	why = ringprof_walk_to(w, s, ret, cfa);
	s->row_frames += why == RINGPROF_END_NONE;
	return why;
}

/* The interrupted pc and its registers; its stack may be any other. */
static inline enum ringprof_end ringprof_step_signal(struct ringprof_walker *w,
						     struct ringprof_walk *s)
{
	__u64 context = s->sp, pc, sp, bp;
	enum ringprof_end why;

	if (!ringprof_is_stack(context, RINGPROF_UC_REG(17), s->end))
		return RINGPROF_END_SP_RANGE;
	why = ringprof_walker_read2(w, context + RINGPROF_UC_SP, context + RINGPROF_UC_IP, &sp,
				    &pc);
	if (why == RINGPROF_END_NONE)
		why = ringprof_walker_read(w, context + RINGPROF_UC_BP, &bp);
	if (why != RINGPROF_END_NONE)
		return why;
	if (!ringprof_is_pc(pc, s->end))
		return RINGPROF_END_PC_RANGE;
	/* + 1: every node is looked up at address - 1, this pc has not run yet */
	why = ringprof_walk_to(w, s, pc + 1, sp);
	s->pc = pc;
	s->bp = bp;
	s->bp_lost = false;
	s->at_pc = true;
	s->context = context;
	s->row_frames += why == RINGPROF_END_NONE;
	return why;
}

/*
 * Adds the callers of s->pc until the stack ends or s->left frames are added.
 * Gives why it ended; s then tells how many frames went which way.
 */
static __always_inline enum ringprof_end ringprof_walk_up(struct ringprof_walker *w,
							  struct ringprof_walk *s)
{
	enum ringprof_end why;

	do {
		__u64 at = s->at_pc ? s->pc : s->pc - 1;
		__u32 rule = ringprof_walker_rule(w, at);

		__u32 kind = ringprof_rule_cfa(rule);

		if (kind == RINGPROF_CFA_GAP)
			why = ringprof_step_fp(w, s);
		else if (likely(kind < RINGPROF_CFA_SIGNAL || kind == RINGPROF_CFA_CLONE))
			/* called here alone, so that it is compiled into this loop */
			why = ringprof_step_row(w, s, rule, at);
		else if (kind == RINGPROF_CFA_SIGNAL)
			why = ringprof_step_signal(w, s);
		else
			return kind == RINGPROF_CFA_ROOT ? RINGPROF_END_ROOT : RINGPROF_END_OPAQUE;
	} while (why == RINGPROF_END_NONE);
	return why;
}

#endif
