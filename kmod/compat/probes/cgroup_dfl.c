// SPDX-License-Identifier: GPL-2.0
/* 4.4: the default hierarchy's cgroup in the css set; ancestors by array; kernfs nodes found by name
 * needs symbol kernfs_find_and_get_ns
 */
#include <linux/cgroup.h>
#include <linux/kernfs.h>
bool probe(struct task_struct *t, struct cgroup *a, struct kernfs_node *kn);
bool probe(struct task_struct *t, struct cgroup *a, struct kernfs_node *kn)
{
	return cgroup_is_descendant(task_css_set_check(t, true)->dfl_cgrp, a) &&
	       kernfs_find_and_get(kn, "x") && cgroup_tryget(a);
}
