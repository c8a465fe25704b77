// SPDX-License-Identifier: GPL-2.0
/*
 * The floor of what a sample costs: the event of ringprof.ko (kmod/cpu.c) with a
 * handler that only counts. Whatever the timer, the interrupt and perf take is
 * all there is. Parameters: hz (at load); calls: of the handler, all CPUs.
 *
 * For tests alone (tests/bench). CPUs that come later are not followed.
 */
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/perf_event.h>

#include "ringprof/period.h"

static unsigned int hz = 99;
module_param(hz, uint, 0444);

static DEFINE_PER_CPU(struct perf_event *, events);
static DEFINE_PER_CPU(u64, n_calls);

static void on_overflow(struct perf_event *event, struct perf_sample_data *data,
			struct pt_regs *regs)
{
	/* as ringprof does: perf's limit between two ticks is none of ours */
	event->hw.interrupts = 0;
	__this_cpu_inc(n_calls);
}

static void remove_events(void)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		struct perf_event *e = per_cpu(events, cpu);

		if (e)
			perf_event_release_kernel(e);
	}
}

static int make_event(int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = ringprof_period(hz, TICK_NSEC),
	};
	struct perf_event *e =
		perf_event_create_kernel_counter(&attr, cpu, NULL, on_overflow, NULL);

	if (IS_ERR(e))
		return PTR_ERR(e);
	per_cpu(events, cpu) = e;
	return 0;
}

static int get_calls(char *buf, const struct kernel_param *kp)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu (cpu)
		sum += per_cpu(n_calls, cpu);
	return scnprintf(buf, PAGE_SIZE, "%llu\n", sum);
}

static const struct kernel_param_ops calls_ops = { .get = get_calls };
module_param_cb(calls, &calls_ops, NULL, 0444);

static int __init empty_init(void)
{
	int cpu, ret = 0;

	cpus_read_lock();
	for_each_online_cpu (cpu) {
		ret = make_event(cpu);
		if (ret)
			break;
	}
	cpus_read_unlock();
	if (ret)
		remove_events();
	return ret;
}

module_init(empty_init);
module_exit(remove_events);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("An event whose handler does nothing, for benchmarks of ringprof");
