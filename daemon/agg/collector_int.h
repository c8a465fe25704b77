/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The collector's inside, shared by its two files. One thread owns source,
 * chains and process table; nobody else touches them. What others may ask is
 * copied into `status` under its mutex once a round.
 */
#ifndef RINGPROF_AGG_COLLECTOR_INT_H
#define RINGPROF_AGG_COLLECTOR_INT_H

#include <pthread.h>

#include "agg/collector.h"
#include "agg/gap.h"
#include "agg/idle.h"
#include "base/clock.h"

/* a drain leaves SOURCE_LAG_NS behind; this much later it covers the moment of the kick */
#define KICK_DELAY_NS (SOURCE_LAG_NS + NSEC_PER_MSEC)

struct collector {
	struct collector_config cfg;
	struct symbols *symbols;
	struct chains *chains;
	struct source *source; /* NULL while it is gone */
	struct ptable *ptable;
	struct unwinder *unwinder;
	struct agg *agg;
	pthread_t thread;
	bool thread_runs;
	int stop; /* atomic */
	int kick_fd;
	uint64_t next_expire, next_kallsyms, next_open;
	uint64_t upto;
	bool hurry;		     /* the module is to get unwind tables */
	struct source_counters base; /* of sources that are gone, so that sums never fall */
	struct idle idle;
	struct gap gap;
	pthread_mutex_t lock; /* guards status */
	struct collector_status status;
	struct source_config wanted; /* own copies */
	bool reopen;
};

/* ---- collector.c ---- */
/* All that happened up to c->upto is told to the aggregator; now: of c->source, zeroes without it. */
void collector_book(struct collector *c, const struct source_counters *now);

/* ---- collector_source.c ---- */
/* The rate that the settings ask for now. */
uint32_t collector_wanted_hz(const struct collector *c);
/* Opens c->source by the settings; 0, or -errno with a sentence in err. */
int collector_open_source(struct collector *c, char *err, size_t errlen);
/* Whose numbers the cgroup ids of its samples are. */
void collector_tell_cgroup_ids(struct collector *c);
/* As source_drain, of c->source to the aggregator. */
int collector_drain(struct collector *c, uint64_t *upto);
/* It failed with this -errno: c->source is NULL, and opened again when it can be. */
void collector_lose_source(struct collector *c, int error);
/* Between two rounds: opens the source anew where other settings, idleness or its loss ask for it. */
void collector_follow(struct collector *c);

#endif
