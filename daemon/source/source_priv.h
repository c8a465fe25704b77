/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two sources, the side band and source.c share: the source object,
 * the operations of a kind, and the way out for samples. Private to this
 * folder.
 */
#ifndef RINGPROF_SOURCE_SOURCE_PRIV_H
#define RINGPROF_SOURCE_SOURCE_PRIV_H

#include <linux/ringprof.h>

#include "source/cpus.h"
#include "source/merge.h"
#include "source/pidset.h"
#include "source/source.h"

/* a time this far ahead of now is no clock's jitter any more */
#define SOURCE_FUTURE_NS 1000000000ULL

struct sideband;

struct source_ops {
	/* Fills s->priv and s->info; errors as source_open says, nothing left behind. */
	int (*open)(struct source *s, char *err, size_t errlen);
	void (*close)(struct source *s);
	int (*start)(struct source *s, char *err, size_t errlen);
	int (*stop)(struct source *s);
	/* Looks after CPUs that came or went. */
	int (*rescan)(struct source *s);
	/* Brings s->info up to date; NULL: it always is. 0 or -errno. */
	int (*look)(struct source *s);
	/* One round: where the rings end, their streams to s->merge, room given back. */
	void (*note)(struct source *s);
	int (*add)(struct source *s);
	void (*release)(struct source *s);
	int (*counters)(struct source *s, struct source_counters *ret);
	size_t (*bytes)(const struct source *s);
};

extern const struct source_ops source_ops_kmod, source_ops_perf;

struct source {
	const struct source_ops *ops;
	void *priv;		  /* of the kind */
	struct source_config cfg; /* strings and pids are the caller's until open is done */
	struct source_info info;
	struct chains *chains;
	struct sideband *side;
	struct pidset pids;
	struct cpu_mask online;
	struct merge merge;
	int epfd;
	uint64_t opened; /* mono ns */
	uint64_t next_rescan;
	uint64_t max_time; /* this round: no record can be from later */
	bool chains_full;  /* start the table anew before the next round */
	bool chains_fresh; /* nothing was delivered since that was done */
	event_fn fn;	   /* this round's receiver */
	void *arg;
	uint64_t lost_samples;
};

/* What became of a sample. */
enum emit {
	EMIT_DONE,
	EMIT_FILTERED, /* a filter that we apply ourselves left it out */
	EMIT_AGAIN,    /* the chain table is full: give it again next round */
	EMIT_LOST,     /* the chain table is full and that does not change: counted */
};

/*
 * Whether the filters want this task in this mode; asked before the chain is
 * looked up.
 */
bool source_wants(const struct source *s, int32_t pid, bool kernel);
/* Delivers it; ev->sample.chain may be CHAIN_NONE. */
enum emit source_emit(struct source *s, const struct event *ev);

/* Has source_fd become readable when fd does; 0 or -errno. */
int source_watch(struct source *s, int fd);

#endif
