// SPDX-License-Identifier: GPL-2.0
/*
 * See cpu.h. Process context under rp_lock; what an armed CPU's sampler uses
 * changes only while its event is off.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "compat.h"
#include "arch_x86.h"
#include "cgroup.h"
#include "chardev.h"
#include "config.h"
#include "cpu.h"
#include "ringprof/period.h"
#include "sample.h"
#include "sampler.h"

/* whether and how is sampled: start, stop, settings, CPUs that come and go (sampler.h) */
DEFINE_MUTEX(rp_lock);
/* the memory of rings, against mmap(2) */
DEFINE_MUTEX(rp_rings_lock);
DEFINE_PER_CPU(struct rp_cpu *, rp_cpus);

static void wake_up_reader(struct irq_work *work)
{
	rp_chardev_wake();
}

static struct rp_cpu *new_cpu(int cpu)
{
	struct rp_cpu *c = kzalloc_node(sizeof(*c), RP_GFP_PAGES, cpu_to_node(cpu));

	if (!c)
		return NULL;
	c->cpu = cpu;
	init_irq_work(&c->wake, wake_up_reader);
	rp_mm_notes_init(&c->notes);
	rp_mm_pages_init(&c->pages);
	if (rp_ring_alloc_pages(&c->s.ring, cpu, rp_sampler_instance())) {
		kfree(c);
		return NULL;
	}
	per_cpu(rp_cpus, cpu) = c;
	return c;
}

static void free_tables(struct rp_cpu *c)
{
	rp_ring_free_data(&c->s.ring);
	rp_free_near(c->trie_mem);
	c->trie_mem = NULL;
	c->node_budget = 0;
}

/* Epochs go on where the last table stopped: a reader never meets one twice. */
static void start_trie(struct rp_cpu *c, u32 budget)
{
	u32 first = c->s.trie.epoch + 1;
	u64 secret;

	get_random_bytes(&secret, sizeof(secret));
	rp_trie_init(&c->s.trie, c->trie_mem, budget, secret, first);
	c->node_budget = budget;
	c->s.said_epoch = false;
}

static int alloc_tables(struct rp_cpu *c, u32 size, u32 budget)
{
	c->trie_mem = rp_zalloc_near(rp_trie_bytes(budget), cpu_to_node(c->cpu));
	if (!c->trie_mem)
		return -ENOMEM;
	if (rp_ring_alloc_data(&c->s.ring, c->cpu, size)) {
		free_tables(c);
		return -ENOMEM;
	}
	start_trie(c, budget);
	return 0;
}

static void describe(struct rp_cpu *c)
{
	struct ringprof_ring_head *h = c->s.ring.shared;

	h->features = rp_sampler_features();
	h->clock = RP_CLOCK_ID;
}

static int prepare(int cpu, const struct rp_config *cfg, bool resize)
{
	u32 size = rp_config_ring_size(cfg), budget = rp_config_node_budget(cfg);
	struct rp_cpu *c = rp_cpu_of(cpu);

	if (!c)
		c = new_cpu(cpu);
	if (!c)
		return -ENOMEM;
	describe(c);
	if (resize && !c->event && c->s.ring.data &&
	    (c->s.ring.mask + 1 != size || c->node_budget != budget))
		free_tables(c);
	/*
	 * Without tables its samples are counted as NO_RING: better than not at all. Under
	 * a sampler nothing is built: it would meet the half of it.
	 */
	if (!c->s.ring.data && !c->event)
		alloc_tables(c, size, budget);
	return 0;
}

int rp_cpu_prepare(int cpu, const struct rp_config *cfg, bool resize)
{
	int ret;

	mutex_lock(&rp_rings_lock);
	ret = prepare(cpu, cfg, resize);
	mutex_unlock(&rp_rings_lock);
	return ret;
}

static void fill_attr(struct perf_event_attr *attr, u32 type, u64 period)
{
	memset(attr, 0, sizeof(*attr));
	attr->size = sizeof(*attr);
	attr->disabled = 1;
	attr->sample_period = period;
	if (type == RINGPROF_EVENT_CYCLES) {
		attr->type = PERF_TYPE_HARDWARE;
		attr->config = PERF_COUNT_HW_CPU_CYCLES;
		attr->pinned = 1;
	} else {
		attr->type = PERF_TYPE_SOFTWARE;
		attr->config = PERF_COUNT_SW_CPU_CLOCK;
	}
}

u64 rp_cpu_clock_period(u32 hz)
{
	return ringprof_period(hz, TICK_NSEC);
}

static int create_event(struct rp_cpu *c, u32 type, u32 hz)
{
	struct perf_event_attr attr;
	struct perf_event *event;
	u64 period;

	if (type == RINGPROF_EVENT_CYCLES)
		period = rp_arch_cycles_hz() / hz;
	else
		period = rp_cpu_clock_period(hz);
	fill_attr(&attr, type, period);
	event = perf_event_create_kernel_counter(&attr, c->cpu, NULL, rp_sample_overflow, c);
	if (IS_ERR(event))
		return PTR_ERR(event);
	c->event = event;
	c->event_type = type;
	c->period = period;
	/* a profile is of CPU time: cycles are as long as they are at the TSC's rate */
	c->s.weight = type == RINGPROF_EVENT_CYCLES
			      ? div64_u64(period * NSEC_PER_SEC, rp_arch_cycles_hz())
			      : period;
	c->s.unit = RINGPROF_UNIT_NS;
	return 0;
}

/* What the governor compares with, a second from now. */
static void start_watching(struct rp_cpu *c)
{
	const struct ringprof_ring_head *h = c->s.ring.shared;

	c->window_start = 0;
	c->window_ns = 0;
	c->seen_calls = h->calls;
	c->seen_handler_ns = h->handler_ns;
	c->seen_throttled = h->outcome[RINGPROF_OUT_THROTTLED];
	c->seen_busy_ns = 0;
}

int rp_cpu_arm(struct rp_cpu *c, const struct rp_config *cfg, u32 hz)
{
	int ret = -ENODEV;

	/* hotplug by states can tell twice of a CPU that was on line all along */
	if (c->event)
		return 0;
	if (cfg->event == RINGPROF_EVENT_CYCLES && !c->no_cycles) {
		ret = create_event(c, RINGPROF_EVENT_CYCLES, hz);
		c->no_cycles = ret;
	}
	if (ret)
		ret = create_event(c, RINGPROF_EVENT_CPU_CLOCK, hz);
	if (ret)
		return ret;
	start_watching(c);
	c->enabled_after = ktime_get_mono_fast_ns();
	perf_event_enable(c->event);
	c->enabled_before = ktime_get_mono_fast_ns();
	return 0;
}

void rp_cpu_arm_again(struct rp_cpu *c, const struct rp_config *cfg, u32 hz)
{
	if (rp_cpu_arm(c, cfg, hz))
		pr_warn("CPU %d is not sampled: no event could be made\n", c->cpu);
}

/* ns, 0 if b is later: that clock may have stepped back */
static u64 since(u64 a, u64 b)
{
	return a > b ? a - b : 0;
}

/*
 * The time that the event ran, up to a moment between after and before. perf measures it where it
 * happens, but by another clock than the timer's, which NTP slews and which stands still in
 * suspend-to-idle: by perf's alone, hours of such a sleep and up to 500 of a million samples
 * were missed that were not. A clock that somebody stopped in between has missed that time too.
 */
static u64 clock_ns(const struct rp_cpu *c, u64 running, u64 after, u64 before)
{
	return clamp_t(u64, running, since(after, c->enabled_before),
		       since(before, c->enabled_after));
}

/* after: the time ended then, or goes on. */
static struct rp_run read_event(struct rp_cpu *c, u64 after)
{
	struct rp_run run = c->past;
	u64 count, enabled, running;

	if (!c->event)
		return run;
	count = perf_event_read_value(c->event, &enabled, &running);
	run.count += count;
	run.elapsed += running;
	if (c->event_type == RINGPROF_EVENT_CPU_CLOCK)
		count = clock_ns(c, running, after, ktime_get_mono_fast_ns());
	run.expected += div64_u64(count, c->period);
	return run;
}

struct rp_run rp_cpu_run(struct rp_cpu *c)
{
	return read_event(c, ktime_get_mono_fast_ns());
}

void rp_cpu_disarm(struct rp_cpu *c)
{
	u64 after = ktime_get_mono_fast_ns();

	if (!c->event)
		return;
	perf_event_disable(c->event);
	c->past = read_event(c, after);
	/* takes the event off its CPU by a call there: its handler has returned */
	perf_event_release_kernel(c->event);
	c->event = NULL;
	irq_work_sync(&c->wake);
	irq_work_sync(&c->notes.wake);
	rp_mm_pages_sync(&c->pages);
}

u64 rp_cpu_memory(void)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu (cpu) {
		struct rp_cpu *c = rp_cpu_of(cpu);

		if (!c)
			continue;
		sum += sizeof(*c) + 2 * PAGE_SIZE;
		if (c->s.ring.data)
			sum += c->s.ring.mask + 1 + rp_trie_bytes(c->node_budget);
	}
	return sum;
}

void rp_cpu_free_all(void)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		struct rp_cpu *c = rp_cpu_of(cpu);

		if (!c)
			continue;
		free_tables(c);
		rp_ring_free_pages(&c->s.ring);
		kfree(c);
		per_cpu(rp_cpus, cpu) = NULL;
	}
}
