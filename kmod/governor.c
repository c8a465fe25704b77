// SPDX-License-Identifier: GPL-2.0
/*
 * See governor.h. One delayed work, every second while sampling. Costs are the
 * sampler's own time per CPU; the dearest CPU decides, because one rate holds
 * for all.
 */
#include <linux/cpumask.h>
#include <linux/kernel_stat.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "config.h"
#include "cpu.h"
#include "governor.h"
#include "netlink.h"
#include "sample.h"
#include "sampler.h"

#define BUDGET_UNIT  (NSEC_PER_SEC / 10000)
#define TOO_MANY     2	/* seconds with skipped samples before the rate goes down */
#define CALM	     10 /* seconds well below the budget before it goes up again */
#define MAX_SLOWDOWN 13 /* 10000 Hz to 1 Hz */

static void watch(struct work_struct *work);
static DECLARE_DELAYED_WORK(watch_work, watch);
static unsigned int hot, calm;

/* What CPUs did since the last look. */
struct look {
	u64 worst_ns; /* the sampler's own time on its dearest CPU */
	bool throttled;
	bool replaced; /* a cycle counter gave way to the clock */
};

/* Time this CPU was not idle, ns. */
static u64 busy_ns(int cpu)
{
	u64 *stat = kcpustat_cpu(cpu).cpustat;

	return RP_CPUSTAT_NS(stat[CPUTIME_USER] + stat[CPUTIME_NICE] + stat[CPUTIME_SYSTEM] +
			     stat[CPUTIME_SOFTIRQ] + stat[CPUTIME_IRQ]);
}

/*
 * A counter in error, or without one overflow in a second of work, is no counter; where
 * one is due each quarter of a second at least: at less a slow CPU may have none.
 */
static bool is_dead(const struct rp_cpu *c, u64 calls, u64 busy)
{
	if (c->event_type != RINGPROF_EVENT_CYCLES)
		return false;
	if (c->event->state == PERF_EVENT_STATE_ERROR)
		return true;
	return c->s.weight <= NSEC_PER_SEC / 4 && calls == c->seen_calls && c->seen_busy_ns &&
	       busy - c->seen_busy_ns > NSEC_PER_SEC / 10 * 9;
}

static void replace_counter(struct rp_cpu *c)
{
	rp_cpu_disarm(c);
	c->no_cycles = true;
	rp_cpu_arm_again(c, rp_sampler_config(), rp_sampler_hz());
}

static void look_at(struct rp_cpu *c, struct look *l)
{
	const struct ringprof_ring_head *h = c->s.ring.shared;
	u64 calls = READ_ONCE(h->calls), handler = READ_ONCE(h->handler_ns);
	u64 throttled = READ_ONCE(h->outcome[RINGPROF_OUT_THROTTLED]);
	u64 busy = busy_ns(c->cpu);

	l->worst_ns = max(l->worst_ns, handler - c->seen_handler_ns);
	l->throttled |= throttled != c->seen_throttled;
	if (is_dead(c, calls, busy)) {
		replace_counter(c);
		l->replaced = true;
	}
	c->seen_calls = calls;
	c->seen_handler_ns = handler;
	c->seen_throttled = throttled;
	c->seen_busy_ns = busy;
}

static void set_slowdown(u32 by)
{
	hot = 0;
	calm = 0;
	rp_sampler_rearm(by);
	rp_netlink_event("governor");
}

/* Down after TOO_MANY hot seconds; up after CALM ones in which twice the cost would do. */
static void decide(const struct look *l, u64 budget)
{
	u32 slow = rp_sampler_slowdown();

	if (l->throttled) {
		calm = 0;
		if (++hot >= TOO_MANY && rp_sampler_hz() > RINGPROF_MIN_HZ && slow < MAX_SLOWDOWN)
			set_slowdown(slow + 1);
		return;
	}
	hot = 0;
	calm = l->worst_ns * 5 < budget * 2 ? calm + 1 : 0;
	if (slow && calm >= CALM)
		set_slowdown(slow - 1);
}

static void watch(struct work_struct *work)
{
	u64 budget = READ_ONCE(rp_sample_budget_ns);
	struct look l = { 0 };
	int cpu;

	rp_sampler_lock();
	if (!rp_sampler_running())
		goto unlock;
	for_each_online_cpu (cpu) {
		struct rp_cpu *c = rp_cpu_of(cpu);

		if (c && c->event)
			look_at(c, &l);
	}
	if (l.replaced)
		rp_netlink_event("cycles unavailable");
	if (budget)
		decide(&l, budget);
	if (rp_sampler_running())
		schedule_delayed_work(&watch_work, HZ);
unlock:
	rp_sampler_unlock();
}

void rp_governor_configure(const struct rp_config *cfg)
{
	WRITE_ONCE(rp_sample_budget_ns, (u64)cfg->budget * BUDGET_UNIT);
	if (!cfg->budget && rp_sampler_running() && rp_sampler_slowdown())
		set_slowdown(0);
}

void rp_governor_start(const struct rp_config *cfg)
{
	hot = 0;
	calm = 0;
	rp_governor_configure(cfg);
	schedule_delayed_work(&watch_work, HZ);
}

void rp_governor_stop(void)
{
	cancel_delayed_work_sync(&watch_work);
}
