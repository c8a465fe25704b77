/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which cgroup a task is in: on the v2 hierarchy, or, where the memory (else
 * cpuacct) controller is mounted as v1, on that one's.
 */
#ifndef RINGPROF_KMOD_CGROUP_H
#define RINGPROF_KMOD_CGROUP_H

#include <linux/types.h>

struct cgroup;

/* Looks which hierarchy is in use; no sampler runs. */
void rp_cgroup_choose(void);
/* RINGPROF_FEAT_CGROUP* of the hierarchy in use. */
u64 rp_cgroup_features(void);

/* current's; NULL where the kernel has none. IRQ and NMI; good until the interrupt ends. */
struct cgroup *rp_cgroup_current(void);
/* Its id; 0 for NULL. */
u64 rp_cgroup_id(struct cgroup *cgrp);
bool rp_cgroup_below(struct cgroup *cgrp, struct cgroup *ancestor);

/* The cgroup of a path below the mount, with a reference; ERR_PTR(-ENOENT, -EOPNOTSUPP, ...). */
struct cgroup *rp_cgroup_get(const char *path);
struct cgroup *rp_cgroup_dup(struct cgroup *cgrp); /* one reference more */
void rp_cgroup_put(struct cgroup *cgrp);	   /* NULL is fine */

#endif
