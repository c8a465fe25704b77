// SPDX-License-Identifier: GPL-2.0
/*
 * See sample.h.
 *
 * Rules here and in all that is called from here: no allocation, no lock, no
 * sleep, no printk, loops with a bound, little stack. An NMI that hits in the
 * middle finds `busy` and becomes NESTED. Every overflow ends in exactly one
 * outcome. The counters in the head page have one writer each: NESTED is
 * written by the inner context alone, the others by the outer one; only
 * `calls` has both, so it is incremented by one instruction.
 */
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <asm/local.h>

#include "compat.h"
#include "arch_x86.h"
#include "cgroup.h"
#include "cpu.h"
#include "filter.h"
#include "sample.h"
#include "unwind.h"

u64 rp_sample_budget_ns __read_mostly;

static void count_call(struct ringprof_ring_head *h)
{
	BUILD_BUG_ON(sizeof(local_t) != sizeof(h->calls));
	local_inc((local_t *)&h->calls);
}

/* Over budget in this second of the governor? */
static bool over_budget(struct rp_cpu *c, u64 now)
{
	if (now - c->window_start >= NSEC_PER_SEC) {
		c->window_start = now;
		c->window_ns = 0;
	}
	return c->window_ns > READ_ONCE(rp_sample_budget_ns);
}

/*
 * In the middle of execve(2): the registers are still those of the program
 * before, whose memory is gone, and the new one has not begun.
 */
static bool between_programs(const struct pt_regs *user)
{
	return rp_in_execve() && rp_arch_tells_pages() && !rp_arch_has_page(current->mm, user->ip);
}

static enum ringprof_end user_part(struct rp_walk *w, struct rp_cpu *c, struct pt_regs *user,
				   bool sampled_user)
{
	if (current->flags & RP_PF_WORKER || !current->mm)
		return RINGPROF_END_NO_MM;
	if (!user || !user_mode(user))
		return RINGPROF_END_NO_REGS;
	if (!sampled_user) {
		if (user->ip - 1 >= rp_arch_user_end(RP_USER_64) - 1)
			return RINGPROF_END_NO_REGS;
		if (between_programs(user))
			return RINGPROF_END_NO_MM;
		rp_walk_add(w, user->ip);
	}
	return rp_unwind_user(w, c, user);
}

/* Both stacks into w, the end mark last. */
static void walk_stacks(struct rp_walk *w, struct rp_cpu *c, struct pt_regs *regs, u32 filter_flags)
{
	enum ringprof_end why = RINGPROF_END_NONE, end;
	struct pt_regs *user = regs;
	bool sampled_user = user_mode(regs);

	if (!sampled_user) {
		w->flags |= RINGPROF_SAMPLE_KERNEL;
		why = rp_unwind_kernel(w, regs, &user);
	}
	if (current->flags & PF_KTHREAD)
		end = RINGPROF_END_KTHREAD;
	else if (filter_flags & RINGPROF_F_NO_USER_STACK)
		end = RINGPROF_END_NONE;
	else
		end = user_part(w, c, user, sampled_user);
	/* one mark a chain: frames missing in the middle weigh more than how its root looks */
	if (why != RINGPROF_END_NONE)
		end = why;
	rp_walk_add(w, RINGPROF_END_MARK | end);
}

static enum ringprof_outcome emit_sample(struct rp_cpu *c, struct pt_regs *regs,
					 const struct rp_filter *f, struct cgroup *cgrp, u64 now)
{
	struct rp_stream *s = &c->s;
	struct rp_walk w = {
		.chain = c->chain,
		.hash = rp_chain_hash_begin(&s->trie),
		.key = s->trie.key[0],
		.max_user = f->max_depth,
		.flags = in_nmi() ? RINGPROF_SAMPLE_NMI : 0,
	};
	struct rp_sample x;

	walk_stacks(&w, c, regs, f->flags);
	s->ring.shared->frames += w.n - 1;
	x.time = now;
	x.cgroup = cgrp ? rp_cgroup_id(cgrp) : 0;
	x.leaf = instruction_pointer(regs);
	x.hash = w.hash;
	x.chain = w.chain;
	x.n = w.n;
	x.tgid = current->tgid;
	x.tid = current->pid;
	x.flags = w.flags;
	return rp_emit(s, &x);
}

/*
 * What an interrupt does is work, though it came in while the CPU had none: a
 * softirq, and below an NMI the handler that it hit. Our own interrupt counts as one.
 */
static bool is_idle(void)
{
	return is_idle_task(current) && !in_serving_softirq() && hardirq_count() <= HARDIRQ_OFFSET;
}

static enum ringprof_outcome take(struct rp_cpu *c, struct pt_regs *regs, u64 now)
{
	const struct rp_filter *f;
	struct cgroup *cgrp;

	if (is_idle())
		return RINGPROF_OUT_IDLE;
	if (READ_ONCE(rp_sample_budget_ns) && over_budget(c, now))
		return RINGPROF_OUT_THROTTLED;
	f = rp_filter_get();
	cgrp = rp_cgroup_current();
	if (unlikely(!f) || rp_filter_drops(f, user_mode(regs), cgrp))
		return RINGPROF_OUT_FILTERED;
	if (unlikely(!c->s.ring.data))
		return RINGPROF_LOST_NO_RING;
	rp_emit_check_attach(&c->s);
	return emit_sample(c, regs, f, cgrp, now);
}

/* One wake-up each time the ring gets half full. */
static void wake_reader(struct rp_cpu *c)
{
	const struct rp_ring *r = &c->s.ring;

	if (r->head - r->tail < (r->mask + 1) / 2) {
		c->woken = false;
	} else if (!c->woken) {
		c->woken = true;
		irq_work_queue(&c->wake);
	}
}

/*
 * A sample takes no longer than this, and this for each frame; a hypervisor that
 * runs something else meanwhile does, and its time must not count as ours.
 */
#define MAX_SAMPLE_NS 250000ULL
#define MAX_FRAME_NS  1000ULL

/* since: may be ahead of a clock that stepped back */
static void measure(struct rp_cpu *c, u64 since, u64 frames)
{
	u64 now = ktime_get_mono_fast_ns();
	u64 ns = now > since ? min(now - since, MAX_SAMPLE_NS + frames * MAX_FRAME_NS) : 0;

	c->window_ns += ns;
	c->s.ring.shared->handler_ns += ns;
}

void rp_sample_take(struct rp_cpu *c, struct pt_regs *regs)
{
	struct ringprof_ring_head *h = c->s.ring.shared;
	enum ringprof_outcome out;
	u64 now, frames;

	count_call(h);
	if (unlikely(READ_ONCE(c->busy))) {
		h->outcome[RINGPROF_OUT_NESTED]++;
		return;
	}
	WRITE_ONCE(c->busy, 1);
	barrier();
	/* that clock may step back by a little when it is adjusted, as el7's does */
	now = max_t(u64, ktime_get_mono_fast_ns(), h->last_time);
	frames = h->frames;
	out = take(c, regs, now);
	h->outcome[out]++;
	h->last_time = now;
	if (out == RINGPROF_OUT_EMITTED)
		wake_reader(c);
	if (READ_ONCE(rp_sample_budget_ns))
		measure(c, now, h->frames - frames);
	barrier();
	WRITE_ONCE(c->busy, 0);
}

/* The clock is a timer, which comes when it should; cycles come twice as fast at most. */
static bool is_paced(const struct rp_cpu *c)
{
	return c->event_type == RINGPROF_EVENT_CPU_CLOCK ||
	       ktime_get_mono_fast_ns() - c->s.ring.shared->last_time > c->s.weight / 4;
}

/* MAX_INTERRUPTS of kernel/events/core.c, the same in all versions since 2.6.37 */
#define RP_MAX_INTERRUPTS (~0ULL)

void rp_sample_overflow(struct perf_event *event, struct perf_sample_data *data,
			struct pt_regs *regs)
{
	struct rp_cpu *c = event->overflow_handler_context;

	/*
	 * Perf allows so many overflows a tick and then stops the event until the
	 * next tick. A CPU without a tick (idle, nohz_full) would so stop being
	 * sampled for good, and what runs there first after a long idle would be
	 * left out. The governor keeps our share; perf's count starts anew. Not so
	 * where it has stopped the event just now, as it does at every overflow of a
	 * host that allows one a tick: the tick knows by this value whom to start. Nor
	 * where a counter overflows long before it should: that storm perf must end.
	 */
	if (event->hw.interrupts != RP_MAX_INTERRUPTS && is_paced(c))
		event->hw.interrupts = 0;
	rp_sample_take(c, regs);
}

#ifdef RINGPROF_TEST
/* For tests/vm: samples this CPU from whatever interrupt the caller is in; false: it is off. */
bool ringprof_test_sample(struct pt_regs *regs);
bool ringprof_test_sample(struct pt_regs *regs)
{
	struct rp_cpu *c = rp_cpu_of(smp_processor_id());

	if (!c || !READ_ONCE(c->event))
		return false;
	rp_sample_take(c, regs);
	return true;
}
EXPORT_SYMBOL_GPL(ringprof_test_sample);
#endif
