/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From events to windows. Takes events in time order (collector thread), asks
 * the process table who it was, normalises each pc (file + offset, kernel
 * address, ...), adds up into the open window, and hands closed windows to
 * the store. Cuts may be asked for by any thread.
 */
#ifndef RINGPROF_AGG_AGG_H
#define RINGPROF_AGG_AGG_H

#include <stdint.h>

#include "proc/ptable.h"
#include "source/chains.h"
#include "source/source.h"
#include "store/store.h"

struct agg;

#define AGG_ENDS 32 /* more than enum ringprof_end has; newer ones count as its last */

struct agg_config {
	size_t max_model_bytes; /* new model past this */
	uint32_t max_series;	/* label sets a model; past it service_name "other", counted */
	const char *host;	/* label host */
	/* [external_labels] of the configuration, key/value pairs, n_external of them */
	const char *const (*external)[2];
	uint32_t n_external;
	struct relabel *relabel; /* rules for all label sets, NULL: none; a reference is taken */
};

/*
 * cfg is copied. chains, symbols (NULL: no function counts as a root) and
 * store stay the caller's and must outlive the result. NULL: no memory.
 */
struct agg *agg_new(const struct agg_config *cfg, struct chains *chains, struct symbols *symbols,
		    struct store *store);
void agg_free(struct agg *a); /* after ptable_free; NULL is fine; the open window is dropped */
/* agg gives its own process hooks to the table: pass the result of this as ptable_config.on_free/arg. */
void agg_process_freed(void *agg, struct process *p);
void agg_set_ptable(struct agg *a, struct ptable *t); /* before the first event */
/* Who names code that processes made themselves; NULL, as it is without: nobody. As agg_set_ptable. */
void agg_set_jit(struct agg *a, struct jit *j);

/* An event_fn: arg is the struct agg. Side band is passed on to the process table. */
void agg_event(void *agg, const struct event *ev);
/*
 * The history is complete up to `upto` (mono): closes windows and cuts that
 * end before it and tells waiters, also of what events closed. `now_counters` are the source's at this moment: their change
 * becomes the losses of the window they fall in.
 */
void agg_advance(struct agg *a, uint64_t upto, const struct source_counters *now_counters,
		 const struct source_info *info);
/* Ends the open window at `upto` whatever its length (stop, exit). */
void agg_flush(struct agg *a, uint64_t upto);

/*
 * Asks for a window boundary at mono time t (any thread). 0; -ERANGE when t is
 * already closed over: the caller takes a later t (now is always late enough);
 * -ENOSPC: too many boundaries are waiting; -ENOMEM.
 */
int agg_cut(struct agg *a, uint64_t t);
/* Up to where windows are closed, mono ns, as of the last agg_advance or agg_flush (any thread). */
uint64_t agg_closed(struct agg *a);
/* Blocks until agg_closed() >= t, at most timeout ns; 0 or -ETIMEDOUT. */
int agg_wait(struct agg *a, uint64_t t, uint64_t timeout);
/* Is called, from the collector thread, when agg_closed() has moved; one fn, NULL: none. */
void agg_on_close(struct agg *a, void (*fn)(void *arg, uint64_t closed), void *arg);

/* per label set and mode since start, for ringprof_cpu_seconds_total; any thread */
struct agg_service {
	const char *service_name; /* interned for ever */
	uint64_t user_ns, kernel_ns, samples;
};
/*
 * Copies at most max rows ("other" holds what went past the limit); gives the
 * number. A process counts for the name it has when sampled. Rows never go.
 */
size_t agg_services(struct agg *a, struct agg_service *ret, size_t max);

/* per process, last closed minute and since start, for /api/v1/processes; any thread */
struct agg_process {
	int32_t pid;
	const char *comm, *exe, *service_name; /* interned for ever */
	uint64_t ns, samples;		       /* since the process was first seen */
	uint64_t ends[AGG_ENDS]; /* samples by enum ringprof_end whose root was not reached, [0]: whole */
};
/* Heaviest first, at most max; gives the number. Rows go when the process table frees theirs. */
size_t agg_processes(struct agg *a, struct agg_process *ret, size_t max);

/* stacks whose root was not reached, by the binary where they end; any thread */
struct agg_binary {
	const char *path;	 /* interned for ever; "[anon]" and the like for what is no file */
	uint64_t ends[AGG_ENDS]; /* samples by enum ringprof_end */
};
/* At most max rows, the first "other" for those past a limit; gives the number. Rows never go. */
size_t agg_binaries(struct agg *a, struct agg_binary *ret, size_t max);

/*
 * Host, external labels and rules of cfg take the place of those in force,
 * from the next window on: a window has one set of labels a process. All of it
 * is copied or referenced. Any thread. -ENOMEM: nothing changes.
 */
int agg_set_labels(struct agg *a, const struct agg_config *cfg);

struct agg_counters {
	/* samples, and what they stand for, that went into windows */
	uint64_t samples, weight;
	uint64_t stacks_whole, stacks_truncated[AGG_ENDS]; /* samples by enum ringprof_end */
	uint64_t models;				   /* started */
	uint64_t series_other; /* processes that became service_name "other": max_series */
	uint64_t no_mapping;   /* frames in no known mapping, counted when first met */
	uint64_t no_memory;    /* samples lost: [lost: ...] LOST_MEMORY in their window */
	uint64_t cache_hits;   /* samples whose stack was known as a whole */
	uint64_t windows;      /* closed */
	uint64_t model_bytes;  /* of the model in use */
	uint64_t no_file; /* frames in a mapped file that cannot be opened, counted as no_mapping */
	uint64_t late;	  /* samples older than the open window: they count in it */
	uint64_t early_ends;  /* windows ended early: model or window at its limit */
	uint64_t labels_full; /* labels left out of a set: MODEL_MAX_LABELS */
	/* rules of the settings: samples they dropped, their weight, rules that gave up */
	uint64_t relabel_dropped, relabel_dropped_weight, relabel_failures;
	uint64_t names_full; /* names not kept for statistics: their limit */
	/* rows of services without processes that a new service took; what they had is "other" now */
	uint64_t services_reused;
};
void agg_counters(struct agg *a, struct agg_counters *ret);

#endif
