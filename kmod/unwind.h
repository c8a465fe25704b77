/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walks of the kernel and the user stack into one chain, leaf side first. The
 * chain's keyed hash is computed on the way.
 */
#ifndef RINGPROF_KMOD_UNWIND_H
#define RINGPROF_KMOD_UNWIND_H

#include <linux/ptrace.h>

#include "trie.h"

struct rp_cpu;

struct rp_walk {
	u64 *chain; /* RP_MAX_CHAIN entries */
	u64 hash;
	u64 key;
	u32 n;
	u32 max_user;	/* user frames wanted, up to RINGPROF_DEPTH_LIMIT */
	u32 row_frames; /* user frames by a row */
	u8 flags;	/* RINGPROF_SAMPLE_* found on the way */
};

static inline void rp_walk_add(struct rp_walk *w, u64 addr)
{
	w->chain[w->n++] = addr;
	w->hash = rp_mix(w->hash, addr, w->key);
}

/*
 * Adds the callers of regs (in kernel mode, of the current task). Sets
 * *ret_user to the registers at the kernel's entry if the walk arrived there
 * and they are whole, else NULL. RINGPROF_END_NONE, or why frames are missing.
 */
enum ringprof_end rp_unwind_kernel(struct rp_walk *w, struct pt_regs *regs,
				   struct pt_regs **ret_user);

/*
 * Adds the callers of regs (in user mode, of the current task, which is no
 * kernel thread and has an mm) by unwind rows and frame pointers. Gives why the
 * walk ended; c, the CPU we are on, counts the frames.
 */
enum ringprof_end rp_unwind_user(struct rp_walk *w, struct rp_cpu *c, const struct pt_regs *regs);

/* Learns this kernel's copy_from_user_nmi(); process context, at load. */
void rp_unwind_user_init(void);

#endif
