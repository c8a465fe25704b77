// SPDX-License-Identifier: GPL-2.0
/*
 * User frames by frame pointers: at fp stand the caller's fp and the return
 * address. Every address is checked against the end of user space before it is
 * read, frames must go up, and the reason why the walk ends is always told.
 *
 * Two ways to read. Outside NMI current's address space is the loaded one and
 * page faults are off, so plain user loads with a fault label will do; one
 * user_access_begin() covers the whole way up. In NMI another mm may be loaded
 * and only copy_from_user_nmi() knows, into our stack: on 5.19 to 6.4 a
 * vmalloc'ed destination would take a lock in find_vmap_area().
 *
 * Contexts: IRQ and NMI of the sampled CPU. No allocation, no lock, at most
 * RINGPROF_MAX_DEPTH frames.
 */
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "arch_x86.h"
#include "unwind.h"

struct frame64 {
	u64 fp;
	u64 ret;
};

struct frame32 {
	u32 fp;
	u32 ret;
};

/* before 3.11 or so copy_from_user_nmi() gave the bytes copied, since then those not copied */
static bool nmi_copy_gives_left __read_mostly;

void rp_unwind_user_init(void)
{
	u64 word;

	nmi_copy_gives_left = copy_from_user_nmi(&word, (void __user *)-4096UL, sizeof(word));
}

static bool read_nmi(void *to, u64 from, unsigned long n)
{
	unsigned long ret = copy_from_user_nmi(to, (void __user *)(unsigned long)from, n);

	return ret == (nmi_copy_gives_left ? 0 : n);
}

/* No page below this is ever code; the word above the outermost frame may be argc. */
#define LEAST_PC 4096

static __always_inline bool is_pc(u64 ret, u64 end)
{
	return ret - LEAST_PC < end - LEAST_PC;
}

/* May a frame be read here? NONE, or what is wrong. */
static __always_inline enum ringprof_end check_fp(u64 fp, u64 end, u32 size)
{
	if (!fp)
		return RINGPROF_END_FP_ZERO;
	if ((fp & (size / 2 - 1)) || fp > end - size)
		return RINGPROF_END_FP_RANGE;
	return RINGPROF_END_NONE;
}

/*
 * Takes one frame's contents: adds the return address and moves *fp up. The
 * outermost frame has fp 0; above it there may be no return address.
 */
static __always_inline enum ringprof_end take_frame(struct rp_walk *w, u64 *fp, u64 next, u64 ret,
						    u64 end, u32 size)
{
	u64 was = *fp;

	if (unlikely(!is_pc(ret, end)))
		return next ? RINGPROF_END_PC_RANGE : RINGPROF_END_FP_ZERO;
	rp_walk_add(w, ret);
	*fp = next;
	if (next && next <= was)
		return RINGPROF_END_FP_ORDER;
	return check_fp(next, end, size);
}

#ifdef RP_HAVE_USER_ACCESS_BEGIN
/* Nothing between begin and end may be a call: AC is set there. */
static enum ringprof_end walk64(struct rp_walk *w, u64 fp, u64 end)
{
	enum ringprof_end why = RINGPROF_END_NONE;
	u32 left = w->max_user;

	if (!user_access_begin((void __user *)fp, end - fp))
		return RINGPROF_END_FP_RANGE;
	do {
		u64 next, ret;

		if (unlikely(!left--)) {
			why = RINGPROF_END_DEPTH;
			break;
		}
		unsafe_get_user(next, (u64 __user *)fp, fault);
		unsafe_get_user(ret, (u64 __user *)(fp + 8), fault);
		why = take_frame(w, &fp, next, ret, end, sizeof(struct frame64));
	} while (why == RINGPROF_END_NONE);
	goto out;

fault:
	why = RINGPROF_END_FAULT;
out:
	user_access_end();
	return why;
}
#endif

static enum ringprof_end fault_reason(void)
{
	return in_nmi() && !rp_arch_own_mm() ? RINGPROF_END_BORROWED_MM : RINGPROF_END_FAULT;
}

static enum ringprof_end walk64_nmi(struct rp_walk *w, u64 fp, u64 end)
{
	enum ringprof_end why;
	u32 left = w->max_user;
	struct frame64 f;

	do {
		if (!left--)
			return RINGPROF_END_DEPTH;
		if (!read_nmi(&f, fp, sizeof(f)))
			return fault_reason();
		why = take_frame(w, &fp, f.fp, f.ret, end, sizeof(f));
	} while (why == RINGPROF_END_NONE);
	return why;
}

static enum ringprof_end walk32(struct rp_walk *w, u64 fp, u64 end)
{
	enum ringprof_end why;
	u32 left = w->max_user;
	struct frame32 f;

	do {
		if (!left--)
			return RINGPROF_END_DEPTH;
		if (!read_nmi(&f, fp, sizeof(f)))
			return fault_reason();
		why = take_frame(w, &fp, f.fp, f.ret, end, sizeof(f));
	} while (why == RINGPROF_END_NONE);
	return why;
}

static enum ringprof_end walk(struct rp_walk *w, u64 fp, u64 end, enum rp_user_abi abi)
{
	enum ringprof_end why;

	if (abi == RP_USER_32)
		return walk32(w, fp, end);
#ifdef RP_HAVE_USER_ACCESS_BEGIN
	if (!in_nmi()) {
		pagefault_disable();
		why = walk64(w, fp, end);
		pagefault_enable();
		return why;
	}
#endif
	why = walk64_nmi(w, fp, end);
	return why;
}

enum ringprof_end rp_unwind_user(struct rp_walk *w, const struct pt_regs *regs)
{
	enum rp_user_abi abi = rp_arch_user_abi(regs);
	u32 size = abi == RP_USER_32 ? sizeof(struct frame32) : sizeof(struct frame64);
	u64 end = rp_arch_user_end(abi);
	u64 fp = rp_arch_frame_pointer(regs);
	enum ringprof_end why;

	if (abi != RP_USER_64) {
		w->flags |= RINGPROF_SAMPLE_COMPAT;
		fp = (u32)fp;
	}
	if (abi == RP_USER_ODD)
		return RINGPROF_END_COMPAT;
	w->flags |= RINGPROF_SAMPLE_USER_FP;
	why = check_fp(fp, end, size);
	if (why != RINGPROF_END_NONE)
		return why;
	/* below the stack pointer nothing lives: that register holds something else */
	if (rp_user_sp_valid(regs) && fp < user_stack_pointer((struct pt_regs *)regs))
		return RINGPROF_END_FP_ORDER;
	return walk(w, fp, end, abi);
}
