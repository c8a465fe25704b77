/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a host is so idle that it is sampled at a lower rate. Each overflow of
 * the timer wakes an idle CPU; a lower rate of all CPUs lets them sleep, and a
 * sample weighs its period, so that CPU time stays what it was.
 *
 * Takes the source's counters once a round, gives one bit. Collector thread.
 */
#ifndef RINGPROF_AGG_IDLE_H
#define RINGPROF_AGG_IDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "source/source.h"

struct idle {
	bool low;	      /* the host is idle */
	bool begun;	      /* the rest is set */
	uint64_t since;	      /* mono ns: of the stretch at hand */
	uint64_t calls, idle; /* counters then */
	uint32_t quiet;	      /* stretches in a row in which next to nothing ran */
};

/* Begins anew, as the host is taken to be from now on. */
void idle_begin(struct idle *i, bool low);
/*
 * True: i->low has changed. c: sums over all sources there were, they never
 * fall; cpus: that are sampled. A host is idle that did no more than 5 % of one
 * CPU's work for a minute, and not any more when it does over 30 % in 5 s.
 */
bool idle_look(struct idle *i, uint64_t now, const struct source_counters *c, uint32_t cpus);

#endif
