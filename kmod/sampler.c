// SPDX-License-Identifier: GPL-2.0
/*
 * See sampler.h. A change of anything that an event or a ring hangs on takes
 * the events down and up again: simple, the same on every kernel, and rare.
 */
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "compat.h"
#include "compat/genl.h"
#include "cgroup.h"
#include "chardev.h"
#include "cpu.h"
#include "filter.h"
#include "governor.h"
#include "netlink.h"
#include "sampler.h"

static struct rp_config *config;
static bool running;
static u32 slowdown; /* the governor's: rate is hz >> slowdown */
static u64 instance;
static int hotplug_state;

/* ringprof.off=1 on the kernel's command line, which modprobe hands over */
static bool off;
module_param(off, bool, 0444);
MODULE_PARM_DESC(off, "refuse to sample (ringprof.off=1 on the kernel command line)");

void rp_sampler_lock(void)
{
	cpus_read_lock();
	mutex_lock(&rp_lock);
}

void rp_sampler_unlock(void)
{
	mutex_unlock(&rp_lock);
	cpus_read_unlock();
}

const struct rp_config *rp_sampler_config(void)
{
	return config;
}

u32 rp_sampler_slowdown(void)
{
	return slowdown;
}

u32 rp_sampler_hz(void)
{
	return max_t(u32, config->hz >> slowdown, RINGPROF_MIN_HZ);
}

bool rp_sampler_running(void)
{
	return READ_ONCE(running);
}

u32 rp_sampler_state(void)
{
	if (off)
		return RINGPROF_STATE_OFF;
	return rp_sampler_running() ? RINGPROF_STATE_RUNNING : RINGPROF_STATE_STOPPED;
}

u64 rp_sampler_instance(void)
{
	return instance;
}

u64 rp_sampler_features(void)
{
	return RP_CLOCK_FEATURE | RINGPROF_FEAT_KERNEL | RINGPROF_FEAT_USER | RINGPROF_FEAT_ROWS |
	       rp_cgroup_features();
}

void rp_sampler_active(struct cpumask *ret)
{
	int cpu;

	cpumask_clear(ret);
	for_each_possible_cpu (cpu) {
		struct rp_cpu *c = rp_cpu_of(cpu);

		if (c && c->event)
			cpumask_set_cpu(cpu, ret);
	}
}

/* Cycles if any CPU counts them, else what the clock has or would have. */
void rp_sampler_period(u64 *ret_period, u32 *ret_unit)
{
	int cpu;

	*ret_period = rp_cpu_clock_period(rp_sampler_hz());
	*ret_unit = RINGPROF_UNIT_NS;
	for_each_possible_cpu (cpu) {
		struct rp_cpu *c = rp_cpu_of(cpu);

		if (!c || !c->event)
			continue;
		*ret_period = c->period;
		*ret_unit = rp_cpu_unit(c);
		if (*ret_unit == RINGPROF_UNIT_CYCLES)
			break;
	}
}

static void disarm_all(void)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		struct rp_cpu *c = rp_cpu_of(cpu);

		if (c)
			rp_cpu_disarm(c);
	}
}

/*
 * A CPU for whose ring there was no memory samples without one (NO_RING). It pauses while
 * one is built: a sampler must not meet a ring without its trie.
 */
static int prepare_cpu(int cpu, bool resize)
{
	struct rp_cpu *c = rp_cpu_of(cpu);
	bool pauses = c && c->event && !c->s.ring.data;
	int ret;

	if (pauses) {
		rp_cpu_disarm(c);
		rp_synchronize();
	}
	ret = rp_cpu_prepare(cpu, config, resize);
	if (pauses)
		rp_cpu_arm_again(c, config, rp_sampler_hz());
	return ret;
}

static int prepare_all(bool resize)
{
	bool any_ring = false;
	int cpu, ret;

	for_each_online_cpu (cpu) {
		if (!rp_config_has_cpu(config, cpu))
			continue;
		ret = prepare_cpu(cpu, resize);
		if (ret)
			return ret;
		any_ring |= !!rp_cpu_of(cpu)->s.ring.data;
	}
	return any_ring ? 0 : -ENOMEM;
}

static int arm_all(void)
{
	int cpu, ret;

	for_each_online_cpu (cpu) {
		struct rp_cpu *c = rp_cpu_of(cpu);

		/* none: memory was short when it came, or isolation ended since prepare_all() */
		if (!c || !rp_config_has_cpu(config, cpu))
			continue;
		ret = rp_cpu_arm(c, config, rp_sampler_hz());
		if (ret) {
			disarm_all();
			return ret;
		}
	}
	return 0;
}

int rp_sampler_prepare(void)
{
	/* no reader is there yet: sizes of earlier settings may go */
	return prepare_all(!running);
}

static bool any_cpu(const struct rp_config *cfg)
{
	int cpu;

	for_each_online_cpu (cpu) {
		if (rp_config_has_cpu(cfg, cpu))
			return true;
	}
	return false;
}

static void forget_failures(void)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		struct rp_cpu *c = rp_cpu_of(cpu);

		if (c)
			c->no_cycles = false;
	}
}

/* f: why there is none. -errno. */
static int tell_no_filter(const struct rp_filter *f, struct netlink_ext_ack *extack)
{
	if (PTR_ERR(f) == -ENOMEM)
		NL_SET_ERR_MSG(extack, "filter: out of memory; name fewer processes, or free some");
	else
		NL_SET_ERR_MSG(extack, "cgroup: no such directory on the hierarchy in use (path is "
				       "below its mount); set another one or \"\"");
	return PTR_ERR(f);
}

/* The cgroup is looked up anew: a restarted service has a new one by the old name. */
static int renew_filter(struct netlink_ext_ack *extack)
{
	struct rp_filter *f = rp_filter_new(config, false);

	if (IS_ERR(f))
		return tell_no_filter(f, extack);
	rp_filter_install(f);
	return 0;
}

static void tell_fallback(void)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		struct rp_cpu *c = rp_cpu_of(cpu);

		if (c && c->no_cycles) {
			rp_netlink_event("cycles unavailable");
			return;
		}
	}
}

static int start_locked(struct netlink_ext_ack *extack)
{
	int ret;

	if (off) {
		NL_SET_ERR_MSG(extack, "the module is switched off by ringprof.off=1; boot without "
				       "it, or: modprobe -r ringprof && modprobe ringprof off=0");
		return -ECANCELED;
	}
	if (!any_cpu(config)) {
		NL_SET_ERR_MSG(extack, "CPU list: none of these CPUs is online; set another list");
		return -ENODEV;
	}
	rp_cgroup_choose();
	ret = renew_filter(extack);
	if (ret)
		return ret;
	ret = prepare_all(!rp_chardev_has_reader());
	if (ret) {
		NL_SET_ERR_MSG(extack, "rings: out of memory; set a smaller ring size, node budget "
				       "or CPU list");
		return ret;
	}
	slowdown = 0;
	forget_failures();
	ret = arm_all();
	if (ret) {
		NL_SET_ERR_MSG(extack, "perf event: cannot be made on a CPU of the list; see the "
				       "error code");
		return ret;
	}
	WRITE_ONCE(running, true);
	rp_governor_start(config);
	rp_netlink_event("user");
	tell_fallback();
	return 0;
}

int rp_sampler_start(struct netlink_ext_ack *extack)
{
	int ret = 0;

	rp_sampler_lock();
	if (!running)
		ret = start_locked(extack);
	rp_sampler_unlock();
	return ret;
}

void rp_sampler_stop(void)
{
	rp_sampler_lock();
	if (running) {
		WRITE_ONCE(running, false);
		disarm_all();
		rp_synchronize();
		rp_netlink_event("user");
	}
	rp_sampler_unlock();
	/* takes the lock itself: so not inside it */
	rp_governor_stop();
	rp_mm_forget();
}

void rp_sampler_rearm(u32 by)
{
	slowdown = by;
	disarm_all();
	/* for CPUs that had no memory, or were not meant for us; failing, there are fewer */
	(void)prepare_all(false);
	if (arm_all()) {
		/* cannot go on, and cannot ask anyone: say so */
		WRITE_ONCE(running, false);
		pr_err("perf events could not be made again; sampling has stopped\n");
	}
}

static bool sizes_differ(const struct rp_config *a, const struct rp_config *b)
{
	return a->ring_size != b->ring_size || a->node_budget != b->node_budget;
}

static bool events_differ(const struct rp_config *a, const struct rp_config *b)
{
	return a->hz != b->hz || a->event != b->event || a->all_cpus != b->all_cpus ||
	       !cpumask_equal(&a->cpus, &b->cpus);
}

static int check_change(const struct rp_config *cfg, struct netlink_ext_ack *extack)
{
	if (sizes_differ(cfg, config) && running) {
		NL_SET_ERR_MSG(extack, "ring size and node budget cannot change while sampling; "
				       "stop first");
		return -EBUSY;
	}
	if (sizes_differ(cfg, config) && rp_chardev_has_reader()) {
		NL_SET_ERR_MSG(extack, "ring size and node budget cannot change while a reader is "
				       "attached; close it first");
		return -EBUSY;
	}
	if (running && !any_cpu(cfg)) {
		NL_SET_ERR_MSG(extack, "CPU list: none of these CPUs is online; set another list");
		return -ENODEV;
	}
	return 0;
}

static int new_filter(const struct rp_config *cfg, bool new_cgroup, struct rp_filter **ret,
		      struct netlink_ext_ack *extack)
{
	/* samples are of the hierarchy that the rings' heads name */
	if (!running)
		rp_cgroup_choose();
	*ret = rp_filter_new(cfg, !new_cgroup);
	return IS_ERR(*ret) ? tell_no_filter(*ret, extack) : 0;
}

/* locked, running: the new mask and rate in place of the old */
static int apply_events(struct netlink_ext_ack *extack)
{
	int ret;

	slowdown = 0;
	forget_failures();
	disarm_all();
	ret = prepare_all(false);
	if (!ret)
		ret = arm_all();
	if (ret) {
		WRITE_ONCE(running, false);
		NL_SET_ERR_MSG(extack, "sampling has stopped: events or rings could not be made; "
				       "see the error code, then start");
	}
	return ret;
}

int rp_sampler_configure(const struct rp_config *cfg, bool new_cgroup,
			 struct netlink_ext_ack *extack)
{
	bool events = events_differ(cfg, config);
	struct rp_filter *f;
	int ret;

	ret = check_change(cfg, extack);
	if (ret)
		return ret;
	ret = new_filter(cfg, new_cgroup, &f, extack);
	if (ret)
		return ret;
	*config = *cfg;
	rp_filter_install(f);
	rp_table_set_budget(config->table_budget);
	if (running && events)
		ret = apply_events(extack);
	rp_governor_configure(config);
	rp_netlink_event("user");
	if (running && events)
		tell_fallback();
	return ret;
}

/* cpuhp callbacks: the hotplug lock is held by whoever moves the CPU */
static int on_cpu_online(unsigned int cpu)
{
	int ret = 0;

	mutex_lock(&rp_lock);
	if (running && rp_config_has_cpu(config, cpu)) {
		/* it may have been away while sizes were set anew */
		ret = prepare_cpu(cpu, !rp_chardev_has_reader());
		if (!ret)
			ret = rp_cpu_arm(rp_cpu_of(cpu), config, rp_sampler_hz());
		if (ret)
			pr_warn("CPU %u is not sampled: error %d\n", cpu, ret);
	}
	mutex_unlock(&rp_lock);
	/* a CPU must not stay off because it cannot be profiled */
	return 0;
}

static int on_cpu_offline(unsigned int cpu)
{
	struct rp_cpu *c;

	mutex_lock(&rp_lock);
	c = rp_cpu_of(cpu);
	if (c)
		rp_cpu_disarm(c);
	mutex_unlock(&rp_lock);
	return 0;
}

int rp_sampler_init(void)
{
	int ret;

	config = kzalloc(sizeof(*config), GFP_KERNEL);
	if (!config)
		return -ENOMEM;
	rp_config_init(config);
	rp_cgroup_choose();
	get_random_bytes(&instance, sizeof(instance));
	ret = rp_mm_init();
	if (ret)
		goto err_config;
	ret = rp_table_init();
	if (ret)
		goto err_mm;
	ret = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "ringprof:online", on_cpu_online,
					on_cpu_offline);
	if (ret < 0)
		goto err_tables;
	hotplug_state = ret;
	return 0;

err_tables:
	rp_table_exit();
err_mm:
	rp_mm_exit();
err_config:
	kfree(config);
	return ret;
}

void rp_sampler_exit(void)
{
	rp_sampler_stop();
	cpuhp_remove_state_nocalls(hotplug_state);
	rp_filter_install(NULL);
	rp_mm_exit();
	rp_table_exit();
	rp_cpu_free_all();
	kfree(config);
}
