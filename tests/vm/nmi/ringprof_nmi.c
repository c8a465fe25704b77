// SPDX-License-Identifier: GPL-2.0
/*
 * Non-maskable interrupts for the sampler, where no counter makes them: every
 * CPU sends its neighbour one after random times around interval_us, and the
 * handler calls the sampler with the interrupted registers, as the overflow of
 * a counter would. They come from another CPU because one that a CPU sends to
 * itself arrives at the instruction that sent it; from another it falls into
 * anything, the sampler's own writes included. Parameter interval_us: 0 off
 * (all that were sent have been taken when the write returns); counts: per CPU
 * "CPU sent taken sampled".
 *
 * Softirqs as well, that keep the CPU which parameter softirq_us is written on busy for so
 * long, and leave it alone for three times as long; softirq_ns: what they took in all.
 *
 * For tests alone: needs a ringprof.ko built with RINGPROF_TEST. The interrupt
 * controller is written to directly: what the kernel exports for that differs
 * from version to version.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/version.h>
#include <asm/apicdef.h>
#include <asm/fixmap.h>
#include <asm/nmi.h>

bool ringprof_test_sample(struct pt_regs *regs);

static unsigned int interval_us;

struct sender {
	struct hrtimer timer;
	u32 apic_id;
	u32 random;
	bool x2apic;
	unsigned long on_its_way; /* bit 0: sent to this CPU, not taken yet */
	/* sent: by this CPU; taken, sampled: in its handler */
	u64 sent, taken, sampled;
};

static DEFINE_PER_CPU(struct sender, senders);
static struct cpumask begun; /* CPUs whose timer runs */

#define MAX_INTERVAL_US 1000000

#define MSR_APIC_BASE  0x1b
#define MSR_X2APIC_ID  0x802
#define MSR_X2APIC_ICR 0x830
#define BASE_IS_X2APIC (1U << 10)
#define ICR_IDLE_TRIES 10000

static u64 read_msr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (u64)high << 32 | low;
}

static void write_msr(u32 msr, u64 value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static volatile u32 *apic_register(u32 offset)
{
	return (volatile u32 *)(APIC_BASE + offset);
}

/* Interrupts are off. An NMI in between sends at most to itself, which leaves ICR2 alone. */
static void send_nmi(bool x2apic, u32 apic_id)
{
	int i;

	if (x2apic) {
		write_msr(MSR_X2APIC_ICR, (u64)apic_id << 32 | APIC_DM_NMI);
		return;
	}
	for (i = 0; i < ICR_IDLE_TRIES && (*apic_register(APIC_ICR) & APIC_ICR_BUSY); i++)
		cpu_relax();
	*apic_register(APIC_ICR2) = apic_id << 24;
	*apic_register(APIC_ICR) = APIC_DM_NMI;
}

static ktime_t next_time(struct sender *s)
{
	s->random = s->random * 1664525 + 1013904223;
	return ns_to_ktime((u64)interval_us * (NSEC_PER_USEC / 2) +
			   (u64)interval_us * NSEC_PER_USEC * (s->random >> 16) / 65536);
}

/* One that was sent and not taken yet is enough: two would become one, and be counted as two. */
static enum hrtimer_restart on_timer(struct hrtimer *timer)
{
	struct sender *s = container_of(timer, struct sender, timer);
	int cpu = cpumask_next(smp_processor_id(), cpu_online_mask);
	struct sender *to;

	if (cpu >= nr_cpu_ids)
		cpu = cpumask_first(cpu_online_mask);
	to = per_cpu_ptr(&senders, cpu);
	if (!test_and_set_bit(0, &to->on_its_way)) {
		s->sent++;
		send_nmi(s->x2apic, to->apic_id);
	}
	hrtimer_forward_now(timer, next_time(s));
	return HRTIMER_RESTART;
}

static int on_nmi(unsigned int type, struct pt_regs *regs)
{
	struct sender *s = this_cpu_ptr(&senders);

	if (!test_and_clear_bit(0, &s->on_its_way))
		return NMI_DONE;
	s->taken++;
	s->sampled += ringprof_test_sample(regs);
	return NMI_HANDLED;
}

static void who_am_i(void *unused)
{
	struct sender *s = this_cpu_ptr(&senders);

	s->random = (u32)ktime_get_ns() + smp_processor_id();
	s->x2apic = read_msr(MSR_APIC_BASE) & BASE_IS_X2APIC;
	s->apic_id = s->x2apic ? (u32)read_msr(MSR_X2APIC_ID) : *apic_register(APIC_ID) >> 24;
}

static void begin(void *unused)
{
	struct sender *s = this_cpu_ptr(&senders);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(&s->timer, on_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
#else
	hrtimer_init(&s->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	s->timer.function = on_timer;
#endif
	hrtimer_start(&s->timer, next_time(s), HRTIMER_MODE_REL_PINNED_HARD);
	cpumask_set_cpu(smp_processor_id(), &begun);
}

static void stop(void)
{
	int cpu, i;

	for_each_cpu (cpu, &begun)
		hrtimer_cancel(&per_cpu_ptr(&senders, cpu)->timer);
	/* the last ones are on their way */
	for_each_cpu (cpu, &begun) {
		for (i = 0; i < 1000 && READ_ONCE(per_cpu_ptr(&senders, cpu)->on_its_way); i++)
			usleep_range(1000, 2000);
	}
	cpumask_clear(&begun);
}

static void start(void)
{
	on_each_cpu(who_am_i, NULL, 1);
	on_each_cpu(begin, NULL, 1);
}

static int parse_us(const char *val, unsigned int *us)
{
	int ret = kstrtouint(val, 0, us);

	return ret ? ret : *us > MAX_INTERVAL_US ? -EINVAL : 0;
}

/* Writers of parameters come one at a time. */
static int set_interval(const char *val, const struct kernel_param *kp)
{
	unsigned int us;
	int ret = parse_us(val, &us);

	if (ret)
		return ret;
	stop();
	interval_us = us;
	if (us)
		start();
	return 0;
}

static const struct kernel_param_ops interval_ops = { .set = set_interval, .get = param_get_uint };
module_param_cb(interval_us, &interval_ops, &interval_us, 0644);

static int get_counts(char *buf, const struct kernel_param *kp)
{
	int cpu, n = 0;

	for_each_online_cpu (cpu) {
		const struct sender *s = per_cpu_ptr(&senders, cpu);

		n += scnprintf(buf + n, PAGE_SIZE - n, "%d %llu %llu %llu\n", cpu, s->sent,
			       s->taken, s->sampled);
	}
	return n;
}

static const struct kernel_param_ops counts_ops = { .get = get_counts };
module_param_cb(counts, &counts_ops, NULL, 0444);

static unsigned int softirq_us;
static u64 softirq_ns;
static struct hrtimer softirq;

/* By its name stacks are told: it must be a frame of its own. */
noinline void ringprof_nmi_softirq(void);
noinline void ringprof_nmi_softirq(void)
{
	u64 begin = ktime_get_mono_fast_ns();

	/* the clock is called by a retpoline, which some kernels' unwinders cannot leave: not again and again */
	udelay(softirq_us);
	softirq_ns += ktime_get_mono_fast_ns() - begin;
}

static enum hrtimer_restart on_softirq(struct hrtimer *timer)
{
	ringprof_nmi_softirq();
	/* from now on: what is due again when the last one ends goes to ksoftirqd, and so do all that follow */
	hrtimer_set_expires(timer, ktime_add_us(ktime_get(), 3ULL * softirq_us));
	return HRTIMER_RESTART;
}

static void start_softirq(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(&softirq, on_softirq, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_SOFT);
#else
	hrtimer_init(&softirq, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_SOFT);
	softirq.function = on_softirq;
#endif
	hrtimer_start(&softirq, ns_to_ktime(NSEC_PER_MSEC), HRTIMER_MODE_REL_PINNED_SOFT);
}

static int set_softirq(const char *val, const struct kernel_param *kp)
{
	unsigned int us;
	int ret = parse_us(val, &us);

	if (ret)
		return ret;
	if (softirq_us)
		hrtimer_cancel(&softirq);
	softirq_us = us;
	if (us)
		start_softirq();
	return 0;
}

static const struct kernel_param_ops softirq_ops = { .set = set_softirq, .get = param_get_uint };
module_param_cb(softirq_us, &softirq_ops, &softirq_us, 0644);

static int get_softirq_ns(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%llu\n", softirq_ns);
}

static const struct kernel_param_ops softirq_ns_ops = { .get = get_softirq_ns };
module_param_cb(softirq_ns, &softirq_ns_ops, NULL, 0444);

static int __init nmi_init(void)
{
	return register_nmi_handler(NMI_LOCAL, on_nmi, 0, "ringprof_nmi");
}

static void __exit nmi_exit(void)
{
	stop();
	if (softirq_us)
		hrtimer_cancel(&softirq);
	unregister_nmi_handler(NMI_LOCAL, "ringprof_nmi");
}

module_init(nmi_init);
module_exit(nmi_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Non-maskable interrupts for tests of ringprof");
