// SPDX-License-Identifier: GPL-2.0
/*
 * A bitmap over all pids: the size is fixed, and a sample's lookup is one
 * load. See pidset.h.
 */
#include "source/pidset.h"

#include <errno.h>
#include <stdlib.h>

static bool valid(int32_t pid)
{
	return pid > 0 && pid < (int32_t)PIDSET_MAX;
}

static void put(struct pidset *s, int32_t pid, bool in)
{
	uint8_t bit = (uint8_t)(1U << (pid & 7));

	if (in)
		s->bits[pid >> 3] |= bit;
	else
		s->bits[pid >> 3] &= (uint8_t)~bit;
}

int pidset_init(struct pidset *s, const pid_t *pids, size_t n)
{
	s->bits = NULL;
	if (!n)
		return 0;
	s->bits = calloc(PIDSET_MAX / 8, 1);
	if (!s->bits)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!valid(pids[i])) {
			pidset_free(s);
			return -EINVAL;
		}
		put(s, pids[i], true);
	}
	return 0;
}

void pidset_free(struct pidset *s)
{
	free(s->bits);
	s->bits = NULL;
}

bool pidset_has(const struct pidset *s, int32_t pid)
{
	if (!s->bits)
		return true;
	return valid(pid) && (s->bits[pid >> 3] >> (pid & 7) & 1);
}

void pidset_fork(struct pidset *s, const struct event *ev)
{
	/* a new thread changes nothing */
	if (!s->bits || !valid(ev->pid) || ev->pid == ev->fork.ppid)
		return;
	put(s, ev->pid, pidset_has(s, ev->fork.ppid));
}
