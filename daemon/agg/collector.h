/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The thread that makes history: drains a source into the aggregator about
 * once a second, keeps the process table and kallsyms fresh, and opens the
 * source again when it is gone (module unloaded). Used by ringprofd and by
 * `ringprof record` without a daemon.
 */
#ifndef RINGPROF_AGG_COLLECTOR_H
#define RINGPROF_AGG_COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agg/agg.h"
#include "agg/governor.h"
#include "agg/unwinder.h"
#include "source/source.h"

struct collector;

struct collector_config {
	struct source_config source; /* copied */
	struct agg_config agg;
	size_t max_processes;
	size_t max_chain_bytes;	 /* of the trie of caller chains, 0: 64 MiB */
	const char *environment; /* deployment_environment of who does not say; the caller's */
	uint64_t interval;	 /* ns between drains, 0: 1 s */
	struct unwinder_config unwinder;
	/* before sampling starts, wait this long, ns, for the unwind tables of source.pids */
	uint64_t prepare;
};

/* what the collector knows, copied out; any thread */
struct collector_status {
	struct source_info info;
	struct source_counters counters;
	struct ptable_counters ptable;
	struct unwinder_status unwinder;
	struct governor governor;
	uint32_t wanted_hz; /* what the settings last given ask for */
	bool running;	    /* the source delivers */
	char trouble[512];  /* why not, "" */
	uint64_t started;   /* mono ns */
	uint64_t beat;	    /* mono ns of the last finished round */
	uint64_t upto;	    /* mono ns: what was sampled before is in windows, or lost */
	uint64_t reopens;
	uint64_t rounds, round_ns; /* drains and the time they took, all told */
	size_t source_bytes;
};

/* Opens the source; 0, or -errno with a sentence in err. files, symbols and store stay the caller's. */
int collector_new(struct collector **ret, const struct collector_config *cfg, struct files *files,
		  struct symbols *symbols, struct store *store, char *err, size_t errlen);
/* Starts sampling and the thread. */
int collector_start(struct collector *c, char *err, size_t errlen);
/* Last drain, open window flushed to the store, thread gone, sampling over. */
void collector_stop(struct collector *c);
void collector_free(struct collector *c); /* NULL is fine */

/*
 * Closes the source and opens it with these settings at the next round; any
 * thread. What goes wrong then shows in the status as trouble. 0 or -ENOMEM.
 */
int collector_reopen(struct collector *c, const struct source_config *cfg);

struct agg *collector_agg(struct collector *c);
/* Asks for a drain that covers everything up to now; returns at once, any thread. */
void collector_kick(struct collector *c);
void collector_status(struct collector *c, struct collector_status *ret);
/* ns that the record ends before now; a second or so while all is well. 0: it has not begun. */
uint64_t collector_behind(const struct collector_status *s);

#endif
