/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module's governor did to the rate, for /metrics and the log. It halves
 * the rate, once or more, while the sampler takes more than its budget of a CPU,
 * and doubles it again when half of that would do.
 *
 * Takes a source's settings once a round, gives what is to be told. Collector
 * thread; the struct is published with its status.
 */
#ifndef RINGPROF_AGG_GOVERNOR_H
#define RINGPROF_AGG_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

#include "source/source.h"

struct governor {
	uint64_t changes;  /* of the rate in force, seen; several between two looks are one */
	uint32_t slowdown; /* the rate in force is 1/slowdown of the one asked for */
	bool told_slow;	   /* what the log said last */
	uint64_t told_at;  /* mono ns, 0: nothing yet */
	uint32_t hz, unit; /* of the last look: another rate asked for is no governor's doing */
	uint64_t nominal;  /* cycles: the least period there was at that rate */
};

/*
 * A sentence for the log in text, and true, when the rate was lowered or is as
 * asked for again: once for each, and never two within a minute. info: of a
 * source that samples; now: mono ns.
 */
bool governor_look(struct governor *g, uint64_t now, const struct source_info *info, char *text,
		   size_t size);

#endif
