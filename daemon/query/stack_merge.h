/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stacks of many windows and models brought onto one trie of paths. What a
 * frame is merged by is the caller's choice: it gives each frame one or more
 * keys (the tree: a function per inlined line; pprof: one location), and a
 * path is a (parent path, key).
 *
 * Each model's stacks and frames are looked at once, whatever number of
 * windows refers to them. Nothing recurses: stacks may be thousands deep.
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

struct stack_merge_model {
	const struct model *model;
	uint32_t n_objects, n_frames, n_stacks;
	uint32_t *stack_path; /* by stack: its path, 0 not known yet */
	uint32_t *frame_keys; /* by frame: 1 + place in merge.keys, 0 not known yet */
	struct match_cache match;
	void *own; /* the caller's, freed with free() */
};

struct stack_merge {
	struct budget *budget;
	const struct selector *sel;
	struct paths paths;
	struct stack_merge_model *models;
	uint32_t n_models, cap_models;
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
	void *arg;
};

/* Fill budget, sel, frame, entry and arg first. 0 or -ENOMEM. */
int stack_merge_init(struct stack_merge *m);
void stack_merge_free(struct stack_merge *m);
/* 0, the callbacks' error, -EBADMSG, or by the limits. */
int stack_merge_windows(struct stack_merge *m, const struct window_list *in);

/* What a list of windows covers and lost. */
struct stack_merge_totals {
	uint64_t samples, weight, lost_samples, lost_weight;
	uint64_t wall_from, wall_to, period, duration;
	uint32_t windows, cpus;
};
void stack_merge_totals(const struct window_list *in, struct stack_merge_totals *ret);
/* Losses added up by mark: at most max rows, the number of them. */
uint32_t stack_merge_losses(const struct window_list *in, struct window_loss *ret, uint32_t max);
#define STACK_MERGE_MAX_LOSSES 64

#endif
