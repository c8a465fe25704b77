/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stacks of many windows and models brought onto one trie of paths. What a
 * frame is merged by is the caller's choice: it gives each frame one or more
 * keys (the tree: a function per inlined line; pprof: one location), and a
 * path is a (parent path, key).
 *
 * Each model's stacks and frames are looked at once, whatever number of
 * windows refers to them; of the models of a long history only the last few
 * are remembered. Nothing recurses: stacks may be thousands deep.
 */
#ifndef RINGPROF_QUERY_STACK_MERGE_H
#define RINGPROF_QUERY_STACK_MERGE_H

#include "query/budget.h"
#include "query/selector.h"
#include "store/store.h"

struct path {
	uint32_t parent, key;
};

/* path 0 is the root; a parent's number is below its children's */
struct paths {
	struct path *p;
	uint32_t n, cap;
	struct hmap index;
};

int paths_init(struct paths *t, struct budget *b);
void paths_free(struct paths *t);
/* The path of key below parent, made when new; 0 or -ENOMEM. */
int paths_child(struct paths *t, struct budget *b, uint32_t parent, uint32_t key, uint32_t *ret);

#define STACK_MERGE_MAX_KEYS SYM_MAX_LINES
/* stands for the frame of the empty stack: an entry must have a path below the root */
#define STACK_MERGE_NO_FRAME UINT32_MAX

/* models remembered at a time: windows come in order of time, so few take turns */
#define STACK_MERGE_MODELS 6

struct stack_merge_model {
	struct model *model; /* a reference */
	uint64_t used;	     /* turn of the last window */
	size_t bytes;	     /* charged for it */
	uint32_t n_objects, n_frames, n_stacks;
	uint32_t *stack_path; /* by stack: its path, 0 not known yet */
	uint32_t *frame_keys; /* by frame: 1 + place in merge.keys, 0 not known yet */
	struct match_cache match;
	uint32_t *by_thread; /* the caller's own, zeroed at first */
};

/* What the windows cover and lost. */
struct stack_merge_totals {
	uint64_t samples, weight, lost_samples, lost_weight;
	uint64_t wall_from, wall_to, period, duration;
	uint32_t windows, cpus;
};

#define STACK_MERGE_MAX_LOSSES 64

struct stack_merge {
	struct budget *budget;
	const struct selector *sel;
	struct paths paths;
	struct stack_merge_model models[STACK_MERGE_MODELS];
	uint32_t n_models;
	uint64_t turn;	/* windows so far */
	uint32_t *keys; /* runs: number of keys, then the keys, caller first */
	uint32_t n_keys, cap_keys;
	uint32_t *chain; /* stacks on the way to a known one */
	uint32_t cap_chain;
	/* keys of a frame, caller first; ret has room for STACK_MERGE_MAX_KEYS, *n >= 1 */
	int (*frame)(void *arg, struct stack_merge_model *mm, uint32_t frame, uint32_t *ret,
		     uint32_t *n);
	/* an entry that the selector takes, and its path */
	int (*entry)(void *arg, struct stack_merge_model *mm, const struct window_entry *e,
		     uint32_t path);
	/* before a window's entries; NULL: none */
	int (*window)(void *arg, const struct window *w);
	void *arg;
	/* of all windows so far, whatever the selector takes */
	struct stack_merge_totals totals;
	struct window_loss losses[STACK_MERGE_MAX_LOSSES]; /* added up by mark */
	uint32_t n_losses;
	struct store_used used;
};

/* Fill budget, sel and the callbacks first. 0 or -ENOMEM. */
int stack_merge_init(struct stack_merge *m);
void stack_merge_free(struct stack_merge *m);
/*
 * All windows of the input, in order of time: 0, the callbacks' error,
 * -EBADMSG, the store's, or by the limits.
 */
int stack_merge_input(struct stack_merge *m, const struct query_env *env,
		      const struct query_input *in);

#endif
