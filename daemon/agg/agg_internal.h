/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The aggregator's inside, shared by its files and its tests.
 *
 *   agg.c        a sample's way: process, cached stack, open window
 *   normalize.c  chain + leaf -> stack of the model (what the cache remembers)
 *   jit.c        code that processes made themselves
 *   labels.c     process -> model_proc and its label set
 *   timeline.c   opening and closing windows, cuts, waiting
 *   loss.c       counters of the source -> losses of the open window
 *   stats.c      services, processes and counters, for other threads
 *
 * Everything is the collector thread's but what stands under `lock` (the
 * timeline's side for other threads), under `procs_lock` (the list of
 * processes and their names) and single counters that one thread adds to and
 * others read (stat_add/stat_get). Locks are held for a few instructions and
 * never nested.
 */
#ifndef RINGPROF_AGG_INTERNAL_H
#define RINGPROF_AGG_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>

#include "agg/accum.h"
#include "agg/agg.h"
#include "agg/cache.h"
#include "agg/relabel.h"
#include "base/hmap.h"
#include "base/strtab.h"

#define AGG_MAX_STEPS	 CHAIN_MAX_DEPTH
#define AGG_CACHE_SETS	 32768U /* 4 MiB, touched as it fills */
#define AGG_NODE_SETS	 16384U
#define AGG_MAX_SERVICES 1000U /* rows; the first is "other" */
#define AGG_MAX_BINARIES 256U  /* rows; the first is "other" */
#define AGG_MAX_CUTS	 4096U
#define AGG_MIN_MODEL	 (256UL << 10) /* an empty model and room to be of use */
#define AGG_NAME_BYTES	 (8UL << 20)   /* names kept for ever */
#define AGG_FILE_SLOTS	 256U
/*
 * Events are older than SOURCE_LAG_NS when they come, so a boundary at "now"
 * is never refused although the collector looks at boundaries only this often.
 */
#define AGG_LEASE_NS (SOURCE_LAG_NS / 2)
/* a jump of time past this leaves a hole instead of a long row of empty windows */
#define AGG_MAX_GAP  (3600ULL * 1000000000)
#define AGG_MAX_TIME (1ULL << 62)

/* what the aggregator knows of a process: process.user */
struct agg_proc {
	struct agg_proc *next, *prev; /* list: procs_lock */
	int32_t pid;
	/* interned in agg.names; written under procs_lock */
	const char *comm, *exe, *service_name;
	/* stat_add */
	uint64_t ns, samples, ends[AGG_ENDS];
	struct agg_service *service; /* a row of agg.services */
	/* what the rest was made from */
	uint64_t owner; /* in the caches */
	uint32_t gen, labels_gen, chains_gen, model_gen;
	bool dropped;  /* by a rule of the settings: its samples are counted, not kept */
	bool ready;    /* proc and service are of labels_gen and model_gen */
	uint32_t proc; /* model_proc */
	int32_t last_tid;
	uint32_t last_thread; /* model_thread of last_tid; UINT32_MAX: none */
	struct jit_proc *jit; /* runs code of its own making; NULL: not met yet */
	uint64_t jit_exe;     /* the program that made it: a hash of its path */
};

struct agg {
	/* settings */
	size_t max_model_bytes;
	uint32_t max_series;
	struct relabel *relabel;   /* a reference, NULL: no rules */
	uint64_t failures_before;  /* of the rules that were in force before */
	struct model_series fixed; /* host and external labels, sorted by key */
	struct strtab *names;	   /* texts of `fixed` and of the statistics: for ever */
	struct agg_labels *coming; /* those of agg_set_labels, until a window begins: lock */
	struct chains *chains;
	struct symbols *symbols;
	struct store *store;
	struct ptable *ptable;
	struct jit *jit; /* NULL: such code has no names */
	uint64_t now;	 /* time of the sample at hand */

	/* the model in use */
	struct model *model;
	uint32_t model_gen;		  /* counts models from 1 */
	uint32_t objects[FRAME_MARK + 1]; /* those without a file; UINT32_MAX: not yet */
	struct {
		uint32_t file, object; /* struct file id + 1 */
	} files[AGG_FILE_SLOTS];
	uint8_t *roots; /* by frame: 0 not asked yet, else 1 + enum sym_root */
	uint32_t n_roots;
	bool unsure;	 /* the stack at hand rests on what cannot be told now, but perhaps soon */
	uint64_t unread; /* mono ns: until then who reads files is not asked again */

	/* caches */
	struct cache stacks; /* (chain, leaf) */
	struct cache nodes;  /* chain alone */
	uint64_t last_owner;
	struct agg_step {
		uint64_t addr;
		uint32_t node;
		bool exact;
	} steps[AGG_MAX_STEPS + 1]; /* the leaf, and the nodes of its chain */
	/* chains from this id of that generation on were never met: no cache has them */
	uint32_t fresh_chain, fresh_gen;

	/* the open window */
	struct accum acc;
	bool open;
	bool full; /* model or window is at its limit: end the window at the next sample */
	uint64_t start, end, wall_start;
	uint64_t upto;	     /* of the last agg_advance */
	int64_t wall_offset; /* kept unless the clock was set */
	uint64_t quick;	     /* samples before it need not look at boundaries */
	int64_t (*read_wall_offset)(void);
	struct source_counters seen;	  /* the most each was; losses and idle alone */
	uint64_t corrupt_rest;		  /* bytes */
	uint64_t period;		  /* as the source says, see agg_period */
	uint32_t unit, cpus, cpus_before; /* sampled now; when some were last */

	/* the timeline's side for other threads */
	pthread_mutex_t lock;
	pthread_cond_t closed_cond;
	uint64_t ended;	  /* windows are closed up to here */
	uint64_t closed;  /* and waiters know up to here */
	uint64_t reached; /* cuts before it are refused */
	uint64_t *cuts;	  /* sorted, none twice */
	uint32_t n_cuts;
	size_t cap_cuts;
	void (*on_close)(void *arg, uint64_t closed);
	void *on_close_arg;

	/* statistics */
	pthread_mutex_t procs_lock;
	struct agg_proc *procs;
	uint32_t n_procs;
	struct agg_service *services; /* AGG_MAX_SERVICES */
	uint32_t n_services;	      /* release by the collector */
	struct hmap service_index;    /* name's number -> row */
	struct agg_row_use {
		uint32_t procs, name; /* processes of that service; number of its name */
		uint64_t left;	      /* turn when the last of them went */
	} * service_use;	      /* by row; the collector's */
	uint64_t service_turn;
	uint32_t services_seq;	     /* odd while a row changes hands: readers read again */
	struct agg_binary *binaries; /* AGG_MAX_BINARIES */
	uint32_t n_binaries;	     /* release by the collector */
	struct hmap binary_index;
	struct agg_counters c; /* stat_add */
};

/* One thread adds, others may read at the same time. */
static inline void stat_add(uint64_t *p, uint64_t n)
{
	__atomic_store_n(p, *p + n, __ATOMIC_RELAXED);
}

static inline uint64_t stat_get(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

/*
 * A node of the chain table whose id is above all that were met is in no cache.
 * Ids grow as chains come, so new chains, the expensive ones, are seen by it.
 */
static inline bool agg_is_fresh(const struct agg *a, uint32_t chain)
{
	return chain >= a->fresh_chain && a->fresh_gen == chains_generation(a->chains);
}

/* ---- normalize.c ---- */
/*
 * Fills e->stack and e->end from owner, chain and leaf; 0, 1: not to be remembered, as
 * more may be known the next time, or -ENOMEM.
 */
int agg_normalize(struct agg *a, struct process *p, struct cache_entry *e);
/* The object of all frames of a kind that need no other; UINT32_MAX: no memory. */
uint32_t agg_object_of_kind(struct agg *a, enum frame_kind kind);
/* Forgets what is by number of the old model. */
void agg_normalize_reset(struct agg *a);

/* ---- jit.c ---- */
/* The object of anonymous code at addr; UINT32_MAX: no memory. */
uint32_t agg_jit_object(struct agg *a, struct process *p, uint64_t addr);
/* Has p told of code at addr, in a file of that path that is no program we can read (memfd)? */
bool agg_jit_covers(struct agg *a, struct process *p, uint64_t addr, const char *path);
/* The mappings of p are others than before. */
void agg_jit_maps(struct agg_proc *u, const struct process *p);

/* ---- labels.c ---- */
/* Labels that came by agg_set_labels are in force from now on; the caller is between two windows. */
void agg_take_labels(struct agg *a);
void agg_labels_free(struct agg *a);
/* The service_name label of the process: never "". */
const char *agg_service_name(const struct process *p);
#define AGG_PROC_DROPPED (UINT32_MAX - 1)
/*
 * model_proc of the process with its labels of now; AGG_PROC_DROPPED: a rule
 * does not want it; UINT32_MAX: no memory. *service: its service_name after
 * the rules, good until the next call.
 */
uint32_t agg_model_proc(struct agg *a, const struct process *p, const char **service);

/* ---- timeline.c ---- */
int agg_timeline_init(struct agg *a);
void agg_timeline_free(struct agg *a);
/* A sample of time t is about to be added: closes what ends at or before t. */
void agg_reach(struct agg *a, uint64_t t);
/* Ends the open window at t although no boundary is there. */
void agg_split(struct agg *a, uint64_t t);
/* A fresh model, if there is memory for one; 0 or -ENOMEM (the old one stays). */
int agg_new_model(struct agg *a);

/* ---- loss.c ---- */
/*
 * ns that a sample stands for now: the last one knows it, for a governor may
 * have changed what the source was last asked for; 0: nothing is known yet.
 */
uint64_t agg_period(const struct agg *a);
void agg_losses(struct agg *a, const struct source_counters *now, const struct source_info *info);

/* ---- stats.c ---- */
int agg_stats_init(struct agg *a);
void agg_stats_free(struct agg *a);
/* process.user of a process not seen yet; NULL: no memory. */
struct agg_proc *agg_proc_new(struct agg *a, struct process *p);
/* Takes the process's names of now over. */
void agg_proc_rename(struct agg *a, struct agg_proc *u, const struct process *p,
		     const char *service);
/* Row of a binary, 0 past the limit. */
uint32_t agg_binary_row(struct agg *a, const char *path);
/* s kept for ever; "other" once the limit is reached. */
const char *agg_name(struct agg *a, const char *s);

#endif
