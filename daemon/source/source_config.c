// SPDX-License-Identifier: GPL-2.0
/* Copies of a source's settings, for who keeps them longer than a call. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/source.h"

void source_config_free(struct source_config *s)
{
	free((char *)s->cpus);
	free((char *)s->cgroup);
	free((pid_t *)s->pids);
	memset(s, 0, sizeof(*s));
}

int source_config_copy(struct source_config *to, const struct source_config *from)
{
	pid_t *pids = from->n_pids ? calloc(from->n_pids, sizeof(pid_t)) : NULL;

	*to = *from;
	to->cpus = from->cpus ? strdup(from->cpus) : NULL;
	to->cgroup = from->cgroup ? strdup(from->cgroup) : NULL;
	to->pids = pids;
	if (pids)
		memcpy(pids, from->pids, from->n_pids * sizeof(pid_t));
	if ((from->cpus && !to->cpus) || (from->cgroup && !to->cgroup) || (from->n_pids && !pids)) {
		source_config_free(to);
		return -ENOMEM;
	}
	return 0;
}
