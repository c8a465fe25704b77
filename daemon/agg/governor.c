// SPDX-License-Identifier: GPL-2.0
/*
 * How much slower than asked for the module samples, from its period, and when that is
 * worth a line in the log, see governor.h.
 */
#include "agg/governor.h"

#include <stdio.h>

#include "base/clock.h"

/* A load that comes and goes would fill the log: /metrics has each change. */
#define QUIET_NS (60 * NSEC_PER_SEC)

/*
 * The period at the rate that was asked for. Of the clock it is known, but for
 * the 2 % that keep it off the tick (ringprof/period.h). What a CPU counts in a
 * second the module alone knows; it starts at full rate, so the least counts.
 */
static uint64_t nominal(struct governor *g, const struct source_info *info)
{
	bool other = info->hz != g->hz || info->unit != g->unit;

	g->hz = info->hz;
	g->unit = info->unit;
	if (info->unit == RINGPROF_UNIT_NS)
		g->nominal = NSEC_PER_SEC / info->hz;
	else if (other || info->period < g->nominal)
		g->nominal = info->period;
	return g->nominal;
}

static void say(char *text, size_t size, const struct source_info *info, uint32_t slowdown)
{
	double budget = info->budget / 100.0;

	if (slowdown == 1 && info->budget)
		snprintf(text, size,
			 "the governor lets the module sample at %u Hz again, as asked for: that "
			 "is within its budget of %.2f %% of a CPU",
			 info->hz, budget);
	else if (slowdown == 1)
		snprintf(text, size,
			 "the module samples at %u Hz again, as asked for: its governor is off",
			 info->hz);
	else
		snprintf(text, size,
			 "the governor has slowed the module to %.1f Hz where %u Hz are asked for: "
			 "samples would take more than its budget of %.2f %% of a CPU; ask for "
			 "less (frequency, max-depth) or allow more (budget)",
			 (double)info->hz / slowdown, info->hz, budget);
}

bool governor_look(struct governor *g, uint64_t now, const struct source_info *info, char *text,
		   size_t size)
{
	bool first = !g->slowdown, same_hz = info->hz == g->hz && info->unit == g->unit;
	uint64_t full;
	uint32_t slowdown;

	/* settings that cannot be are no reason to divide by them */
	if (!info->hz || !info->period)
		return false;
	full = nominal(g, info);
	slowdown = (uint32_t)((info->period + full / 2) / full);
	slowdown = slowdown ? slowdown : 1;
	g->changes += !first && same_hz && slowdown != g->slowdown;
	g->slowdown = slowdown;
	if ((slowdown > 1) == g->told_slow || (g->told_at && now - g->told_at < QUIET_NS))
		return false;
	g->told_slow = slowdown > 1;
	g->told_at = now;
	say(text, size, info, slowdown);
	return true;
}
