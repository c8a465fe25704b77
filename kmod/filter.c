// SPDX-License-Identifier: GPL-2.0
/*
 * See filter.h. Readers are samplers: interrupts are off, which is a read
 * section by itself; rp_synchronize() waits for those.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "compat.h"
#include "cgroup.h"
#include "config.h"
#include "filter.h"

static struct rp_filter __rcu *in_force;

static int by_number(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

/* With a reference; NULL: all cgroups. */
static struct cgroup *find_cgroup(const struct rp_config *cfg, bool keep)
{
	const struct rp_filter *f = rcu_dereference_protected(in_force, true);

	if (!cfg->cgroup[0])
		return NULL;
	return keep && f && f->cgroup ? rp_cgroup_dup(f->cgroup) : rp_cgroup_get(cfg->cgroup);
}

struct rp_filter *rp_filter_new(const struct rp_config *cfg, bool keep)
{
	struct rp_filter *f = kzalloc(sizeof(*f) + cfg->n_tgids * sizeof(f->tgids[0]), GFP_KERNEL);
	struct cgroup *cgrp;

	if (!f)
		return ERR_PTR(-ENOMEM);
	f->flags = cfg->flags;
	f->max_depth = cfg->max_depth;
	f->n = cfg->n_tgids;
	memcpy(f->tgids, cfg->tgids, f->n * sizeof(f->tgids[0]));
	sort(f->tgids, f->n, sizeof(f->tgids[0]), by_number, NULL);
	cgrp = find_cgroup(cfg, keep);
	if (IS_ERR(cgrp)) {
		kfree(f);
		return ERR_CAST(cgrp);
	}
	f->cgroup = cgrp;
	return f;
}

void rp_filter_free(struct rp_filter *f)
{
	if (!f)
		return;
	rp_cgroup_put(f->cgroup);
	kfree(f);
}

void rp_filter_install(struct rp_filter *f)
{
	struct rp_filter *old = rcu_dereference_protected(in_force, true);

	rcu_assign_pointer(in_force, f);
	rp_synchronize();
	rp_filter_free(old);
}

const struct rp_filter *rp_filter_get(void)
{
	return rcu_dereference_sched(in_force);
}

static bool has_tgid(const struct rp_filter *f, u32 tgid)
{
	u32 lo = 0, hi = f->n;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (f->tgids[mid] == tgid)
			return true;
		if (f->tgids[mid] < tgid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

bool rp_filter_drops(const struct rp_filter *f, bool user, struct cgroup *cgrp)
{
	if (f->flags & (user ? RINGPROF_F_NO_USER : RINGPROF_F_NO_KERNEL))
		return true;
	if (f->n && !has_tgid(f, current->tgid))
		return true;
	return f->cgroup && (!cgrp || !rp_cgroup_below(cgrp, f->cgroup));
}
