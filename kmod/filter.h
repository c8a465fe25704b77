/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What to leave out. A filter is made from the settings, never changed, and
 * replaced under RCU while samplers run.
 */
#ifndef RINGPROF_KMOD_FILTER_H
#define RINGPROF_KMOD_FILTER_H

#include <linux/types.h>

struct cgroup;
struct rp_config;

struct rp_filter {
	u32 flags;	       /* RINGPROF_F_* */
	u32 max_depth;	       /* user frames */
	struct cgroup *cgroup; /* subtree wanted, referenced; NULL: all */
	u32 n;		       /* 0: all processes */
	u32 tgids[];	       /* sorted */
};

/*
 * ERR_PTR(-ENOMEM), or what rp_cgroup_get() says of the path. keep: not to look
 * the path up, but to take the cgroup of the filter in force.
 */
struct rp_filter *rp_filter_new(const struct rp_config *cfg, bool keep);
/* Puts it into force (NULL: none, for exit), frees the one before. Sleeps. */
void rp_filter_install(struct rp_filter *f);
/* For one that was never installed. */
void rp_filter_free(struct rp_filter *f);

/* The one in force; sampler only, good until the interrupt ends. */
const struct rp_filter *rp_filter_get(void);
/* Does it leave out current, found in user or kernel mode? */
bool rp_filter_drops(const struct rp_filter *f, bool user, struct cgroup *cgrp);

#endif
