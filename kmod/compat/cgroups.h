/* SPDX-License-Identifier: GPL-2.0 */
/* cgroup ids; kernels without a default hierarchy get no cgroups at all. */
#ifndef RINGPROF_COMPAT_CGROUPS_H
#define RINGPROF_COMPAT_CGROUPS_H

#include <linux/cgroup.h>
#include <linux/kernfs.h>

#if defined(CONFIG_CGROUPS) && defined(RP_HAVE_CGROUP_DFL)
#define RP_CGROUPS 1

#ifndef RP_HAVE_CGROUP_ID
static inline u64 cgroup_id(const struct cgroup *cgrp)
{
	return cgrp->kn->id.id;
}
#endif
#endif

#endif
