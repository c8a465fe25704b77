/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A walk of the kernel's stack from the sampled registers up to those at the
 * entry from user space.
 *
 * el7's unwinder goes by frame pointers alone and knows of no registers: it begins
 * at the sampled function's caller, ends below the registers at the entry, and
 * counts every exception and interrupt on the way as an error, also the one by
 * which the kernel was entered. Did it arrive right below the user's registers, the
 * walk stands on them.
 */
#ifndef RINGPROF_COMPAT_UNWIND_H
#define RINGPROF_COMPAT_UNWIND_H

#include <linux/hardirq.h>
#include <linux/sched.h>
#ifdef RP_HAVE_SCHED_HEADERS
#include <linux/sched/task_stack.h>
#endif
#include <asm/unwind.h>

struct rp_kernel_walk {
	struct unwind_state st;
	bool at_user; /* el7 */
	bool missing; /* el7: frames, before it arrived there */
};

#ifdef RP_HAVE_UNWIND_ENTRY_PARTIAL

/* One frame up; false: there is none. IRQ and NMI, as all here. */
static inline bool rp_kernel_walk_next(struct rp_kernel_walk *k)
{
	return unwind_next_frame(&k->st);
}

/* To the caller of regs, in kernel mode, of current: there the unwinder begins by itself. */
static inline bool rp_kernel_walk_begin(struct rp_kernel_walk *k, struct pt_regs *regs)
{
	unwind_start(&k->st, current, regs, NULL);
	return !unwind_done(&k->st);
}

/* Registers saved where the walk stands, or NULL. *ret_partial: not all of them. */
static inline struct pt_regs *rp_kernel_walk_regs(struct rp_kernel_walk *k, bool *ret_partial)
{
	*ret_partial = false;
	return unwind_get_entry_regs(&k->st, ret_partial);
}

/* Are frames missing? */
static inline bool rp_kernel_walk_failed(struct rp_kernel_walk *k)
{
	return unwind_error(&k->st);
}

/* The user registers below the kernel's frames, when the walk did not arrive there. */
static inline struct pt_regs *rp_kernel_walk_guess(void)
{
	/* an NMI may have hit entry code that has not saved them yet */
	return in_nmi() ? NULL : task_pt_regs(current);
}

#else

/* Are the user's registers next? Calls that make a process have one more address in between. */
static inline bool rp_kernel_walk_arrived(const struct rp_kernel_walk *k)
{
#ifdef CONFIG_FRAME_POINTER
	const struct pt_regs *user = task_pt_regs(current);
	unsigned long outer, above = (unsigned long)(k->st.bp + 2);

	if (!k->st.bp || ((unsigned long)user != above && (unsigned long)user != above + 8))
		return false;
	/*
	 * Fast system calls before 3.10.0-862 do not save bp, but leave it to the
	 * first frame; since then it is saved, and cleared for that frame.
	 */
	outer = READ_ONCE(*k->st.bp);
	return !outer || outer == user->bp;
#else
	return false;
#endif
}

static inline bool rp_kernel_walk_next(struct rp_kernel_walk *k)
{
	if (k->at_user)
		return false;
	k->missing |= unwind_error(&k->st);
	if (unwind_next_frame(&k->st))
		return true;
	k->at_user = rp_kernel_walk_arrived(k);
	return k->at_user;
}

static inline bool rp_kernel_walk_begin(struct rp_kernel_walk *k, struct pt_regs *regs)
{
	k->at_user = false;
#ifdef CONFIG_FRAME_POINTER
	unwind_start(&k->st, current, regs, NULL);
	k->missing = unwind_done(&k->st);
	return !k->missing;
#else
	/* there it would take for frames whatever stands on the stack */
	k->missing = true;
	return false;
#endif
}

static inline struct pt_regs *rp_kernel_walk_regs(struct rp_kernel_walk *k, bool *ret_partial)
{
	*ret_partial = false;
	return k->at_user ? task_pt_regs(current) : NULL;
}

static inline bool rp_kernel_walk_failed(struct rp_kernel_walk *k)
{
	return k->missing || (!k->at_user && unwind_error(&k->st));
}

/* Entry code runs with interrupts on before it has saved them: the last entry's may stand there. */
static inline struct pt_regs *rp_kernel_walk_guess(void)
{
	return NULL;
}

#endif

#endif
