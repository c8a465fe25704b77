/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/ringprof: one reader opens it, maps the rings, polls. The reader's
 * place is taken by open(2) and free when the last reference to the file,
 * mappings included, is gone.
 */
#ifndef RINGPROF_KMOD_CHARDEV_H
#define RINGPROF_KMOD_CHARDEV_H

#include <linux/sched.h>
#include <linux/types.h>

struct rp_reader {
	u32 pid; /* tgid in the initial pid namespace; 0: nobody */
	char comm[TASK_COMM_LEN];
};

int rp_chardev_init(void);
void rp_chardev_exit(void);

/* locked (sampler.h) */
bool rp_chardev_has_reader(void);
const struct rp_reader *rp_chardev_reader(void);

/* Wakes who polls; any context that may wake. */
void rp_chardev_wake(void);

#endif
