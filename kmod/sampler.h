/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The sampler as a whole: settings, state, which CPUs are armed. Nothing
 * samples before rp_sampler_start(); after rp_sampler_stop() nothing runs.
 *
 * All in process context. rp_sampler_lock() takes what guards settings and
 * state, in this order: CPU hotplug (read), rp_lock. Functions marked "locked"
 * want it held.
 */
#ifndef RINGPROF_KMOD_SAMPLER_H
#define RINGPROF_KMOD_SAMPLER_H

#include <linux/cpumask.h>
#include <linux/types.h>

#include "config.h"

struct netlink_ext_ack;

int rp_sampler_init(void);
/* Stops and forgets everything; no open file, no netlink command is left. */
void rp_sampler_exit(void);

void rp_sampler_lock(void);
void rp_sampler_unlock(void);

/* Starting what runs and stopping what is stopped is no error. */
int rp_sampler_start(struct netlink_ext_ack *extack);
void rp_sampler_stop(void);

/*
 * locked: takes the settings over, into force at once. -errno with extack:
 * nothing changed. new_cgroup: its path was given; else the cgroup of the
 * filter in force stays, though its directory may be gone.
 */
int rp_sampler_configure(const struct rp_config *cfg, bool new_cgroup,
			 struct netlink_ext_ack *extack);
/* locked: the settings as they are */
const struct rp_config *rp_sampler_config(void);
/* locked: rate in force (the governor may have lowered it), who samples, what a sample is */
u32 rp_sampler_hz(void);
void rp_sampler_active(struct cpumask *ret);
void rp_sampler_period(u64 *ret_period, u32 *ret_unit);

/* locked: rings for all CPUs under the mask, before a reader attaches. 0 or -ENOMEM. */
int rp_sampler_prepare(void);

/* locked: takes all events down and up again, rate divided by 2^slowdown */
void rp_sampler_rearm(u32 slowdown);
u32 rp_sampler_slowdown(void);

/* no lock needed */
bool rp_sampler_running(void);
u32 rp_sampler_state(void); /* enum ringprof_state */
u64 rp_sampler_instance(void);
u64 rp_sampler_features(void);

#endif
