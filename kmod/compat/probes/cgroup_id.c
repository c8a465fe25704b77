// SPDX-License-Identifier: GPL-2.0
/* 5.5: cgroup_id(), 64 bit */
#include <linux/cgroup.h>
u64 probe(const struct cgroup *c);
u64 probe(const struct cgroup *c)
{
	return cgroup_id(c);
}
