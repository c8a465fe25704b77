// SPDX-License-Identifier: GPL-2.0
#include "agg/idle.h"

#include "base/clock.h"

#define STRETCH_NS (5 * NSEC_PER_SEC)
#define STRETCHES  12U
/*
 * Percent of one CPU, however many there are: one that works is work. Apart, so
 * that a host between the two does not go to and fro, and BUSY so high that our
 * own rounds, one a second, may meet a sample each at 10 Hz.
 */
#define QUIET 5U
#define BUSY  30U

void idle_begin(struct idle *i, bool low)
{
	*i = (struct idle){ .low = low };
}

/* calls: of a CPU; busy: of all */
static bool decide(struct idle *i, uint64_t calls, uint64_t busy)
{
	if (i->low) {
		i->low = busy * 100 <= calls * BUSY;
		return !i->low;
	}
	i->quiet = busy * 100 <= calls * QUIET ? i->quiet + 1 : 0;
	i->low = i->quiet >= STRETCHES;
	return i->low;
}

bool idle_look(struct idle *i, uint64_t now, const struct source_counters *c, uint32_t cpus)
{
	uint64_t calls = c->calls - i->calls, idle = c->outcome[RINGPROF_OUT_IDLE] - i->idle;
	bool begun = i->begun;

	if (begun && now - i->since < STRETCH_NS)
		return false;
	i->begun = true;
	i->since = now;
	i->calls = c->calls;
	i->idle = c->outcome[RINGPROF_OUT_IDLE];
	/* no calls: no source, nothing is known */
	if (!begun || !calls || !cpus || !decide(i, calls / cpus, calls - idle))
		return false;
	i->quiet = 0;
	return true;
}
