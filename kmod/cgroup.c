// SPDX-License-Identifier: GPL-2.0
/*
 * See cgroup.h. Paths are resolved a component at a time by kernfs, which
 * exists alike for both hierarchies; what was resolved is pinned by its css
 * reference, so ancestor tests need no lock. Children made later have the
 * pinned one among their ancestors.
 *
 * Contexts: lookups of current in IRQ and NMI (css sets are freed by RCU);
 * the rest in process context under rp_lock.
 */
#include <linux/cgroup.h>
#include <linux/err.h>
#include <linux/kernfs.h>
#include <linux/ringprof.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "cgroup.h"

#ifdef RP_CGROUPS

#if IS_ENABLED(CONFIG_MEMCG)
#define V1_ID  memory_cgrp_id
#define V1_DFL cgroup_subsys_on_dfl(memory_cgrp_subsys)
#elif IS_ENABLED(CONFIG_CGROUP_CPUACCT)
#define V1_ID  cpuacct_cgrp_id
#define V1_DFL cgroup_subsys_on_dfl(cpuacct_cgrp_subsys)
#endif

static bool use_v1 __read_mostly;

void rp_cgroup_choose(void)
{
#ifdef V1_ID
	use_v1 = !V1_DFL;
#endif
}

u64 rp_cgroup_features(void)
{
	return RINGPROF_FEAT_CGROUP | (use_v1 ? RINGPROF_FEAT_CGROUP_V1 : 0);
}

struct cgroup *rp_cgroup_current(void)
{
#ifdef V1_ID
	if (use_v1)
		return task_css_check(current, V1_ID, true)->cgroup;
#endif
	return task_css_set_check(current, true)->dfl_cgrp;
}

u64 rp_cgroup_id(struct cgroup *cgrp)
{
	return cgroup_id(cgrp);
}

bool rp_cgroup_below(struct cgroup *cgrp, struct cgroup *ancestor)
{
	return cgroup_is_descendant(cgrp, ancestor);
}

static struct kernfs_node *root_node(void)
{
	struct kernfs_node *kn;

	rcu_read_lock();
	kn = rp_cgroup_current()->root->cgrp.kn;
	kernfs_get(kn);
	rcu_read_unlock();
	return kn;
}

static struct kernfs_node *walk_path(char *path)
{
	struct kernfs_node *kn = root_node();
	char *name;

	while (kn && (name = strsep(&path, "/"))) {
		struct kernfs_node *child;

		if (!*name)
			continue;
		child = kernfs_find_and_get(kn, name);
		kernfs_put(kn);
		kn = child;
	}
	return kn;
}

/* The live cgroup of a directory's node, with a reference; NULL: gone, or a file. */
static struct cgroup *node_cgroup(struct kernfs_node *kn)
{
	struct cgroup *cgrp;

	if (kernfs_type(kn) != KERNFS_DIR)
		return NULL;
	rcu_read_lock();
	cgrp = rcu_dereference(*(void __rcu __force **)&kn->priv);
	if (cgrp && !cgroup_tryget(cgrp))
		cgrp = NULL;
	rcu_read_unlock();
	return cgrp;
}

struct cgroup *rp_cgroup_get(const char *path)
{
	char *copy = kstrdup(path, GFP_KERNEL);
	struct cgroup *cgrp = NULL;
	struct kernfs_node *kn;

	if (!copy)
		return ERR_PTR(-ENOMEM);
	kn = walk_path(copy);
	kfree(copy);
	if (kn) {
		cgrp = node_cgroup(kn);
		kernfs_put(kn);
	}
	return cgrp ? cgrp : ERR_PTR(-ENOENT);
}

struct cgroup *rp_cgroup_dup(struct cgroup *cgrp)
{
	cgroup_get(cgrp);
	return cgrp;
}

void rp_cgroup_put(struct cgroup *cgrp)
{
	if (cgrp)
		cgroup_put(cgrp);
}

#else /* RP_CGROUPS */

void rp_cgroup_choose(void)
{
}

u64 rp_cgroup_features(void)
{
	return 0;
}

struct cgroup *rp_cgroup_current(void)
{
	return NULL;
}

u64 rp_cgroup_id(struct cgroup *cgrp)
{
	return 0;
}

bool rp_cgroup_below(struct cgroup *cgrp, struct cgroup *ancestor)
{
	return false;
}

struct cgroup *rp_cgroup_get(const char *path)
{
	return ERR_PTR(-EOPNOTSUPP);
}

struct cgroup *rp_cgroup_dup(struct cgroup *cgrp)
{
	return cgrp;
}

void rp_cgroup_put(struct cgroup *cgrp)
{
}

#endif
