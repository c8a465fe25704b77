/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Looks after running samplers once a second: lowers the rate when they cost
 * more than their budget allows, raises it again, and replaces a cycle counter
 * that does not count.
 *
 * The first line of defence is in the handler (sample.c): over budget, it
 * skips what is left of the second.
 */
#ifndef RINGPROF_KMOD_GOVERNOR_H
#define RINGPROF_KMOD_GOVERNOR_H

struct rp_config;

/* locked (sampler.h) */
void rp_governor_start(const struct rp_config *cfg);
void rp_governor_configure(const struct rp_config *cfg);
/* not locked: waits for the worker, which takes the lock */
void rp_governor_stop(void);

#endif
