/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A tree in the making, inside the query stage. tree_names.c turns frames into
 * functions, tree_shape.c stacks into what is shown of them, tree_error.c
 * watches how shares change from one stretch of time to the next; tree.c
 * leads. One thread.
 */
#ifndef RINGPROF_QUERY_TREE_BUILD_H
#define RINGPROF_QUERY_TREE_BUILD_H

#include "query/resolve.h"
#include "query/stack_merge.h"

#define TREE_MARKS "[ringprof]" /* object of what is no code */

struct weights {
	uint64_t ns, samples;
};

#define SHAPE_DROPPED UINT32_MAX

struct shaped { /* a stack of a group, as it is shown */
	uint32_t group, path;
	uint32_t shown; /* path of shape.paths, SHAPE_DROPPED: focus or ignore says so */
	bool truncated;
};

/* Paths as shown, where the view wants something else than the stacks as they are. */
struct shape {
	bool on;
	struct paths paths;
	struct shaped *stacks;
	uint32_t n_stacks, cap_stacks;
	struct hmap index;  /* of stacks */
	uint8_t *verdict;   /* by function: what the filters say, 0 not asked yet */
	uint32_t n_verdict; /* known, and room for */
	uint32_t cap_verdict;
	uint32_t *chain;
	uint32_t cap_chain;
	uint64_t truncated; /* in the tree's unit */
};

#define ERROR_STRETCHES 32
#define ERROR_MIN	8

struct squares {
	double xx, xy; /* sums over stretches: share's part squared, times the stretch's total */
};

struct errors {
	uint64_t from, len; /* of the range, and of a stretch; wall ns */
	uint64_t stretch;   /* the open one */
	bool open;
	uint32_t n;   /* closed ones */
	uint64_t y;   /* total of the open one */
	double yy;    /* sum of squares of totals */
	double sum_y; /* of totals */
	/* by shown path: in the open stretch (self), a scratch row (total), sums */
	uint64_t *self, *total;
	struct squares *sums;
	uint64_t *seen; /* by path: hashes of the functions on it, for "no caller is the same" */
	bool *outer;
	uint32_t n_self, cap_self, n_total, cap_total, n_sums, cap_sums, n_seen, cap_seen, n_outer,
		cap_outer;
	/* by function */
	uint64_t *func_self, *func_total;
	struct squares *func_self_sums, *func_total_sums;
	uint32_t n_fs, cap_fs, n_ft, cap_ft, n_fss, cap_fss, n_fts, cap_fts;
};

struct builder {
	struct stack_merge merge; /* stacks as they are */
	struct budget budget;
	const struct query_env *env;
	struct tree *tree;
	uint32_t cap_funcs;
	struct hmap func_index;
	struct shape shape;
	struct errors errors;
	struct weights *self; /* by shown path */
	uint32_t cap_self, n_self;
	struct {
		uint32_t mark, path;
	} losses[STACK_MERGE_MAX_LOSSES];
	uint32_t n_losses;
	struct categorised { /* what the rules said of functions, names by the tree's strings */
		uint32_t name, object;
		enum frame_kind kind;
		const char *category; /* NULL: nothing */
	} * categorised;
	uint32_t n_categorised, cap_categorised;
	struct hmap category_index;
	struct sym_answer answer; /* large: not on the stack */
};

/* The paths that become nodes. */
static inline struct paths *shown_paths(struct builder *b)
{
	return b->shape.on ? &b->shape.paths : &b->merge.paths;
}

/* BUDGET_ROOM for need elements, the new ones zeroed; n of them are in use. 0 or -ENOMEM. */
#define BUDGET_ZEROED(b, p, n, cap, need)                                           \
	({                                                                          \
		int zr = BUDGET_ROOM(b, p, cap, (uint64_t)(need));                  \
		if (!zr && (n) < (cap)) {                                           \
			memset((p) + (n), 0, (size_t)((cap) - (n)) * sizeof(*(p))); \
			(n) = (cap);                                                \
		}                                                                   \
		zr;                                                                 \
	})

/* tree_names.c */
/* Functions of a place, caller first: as many as the place has lines; 0 or -ENOMEM. */
int tree_name_place(struct builder *b, const struct model_object *o, uint64_t off, uint32_t *ret,
		    uint32_t *n);
/*
 * tree_category.c: the category of the place that b->answer is of, in a binary
 * (its name in the tree's strings): of its innermost function that a rule
 * knows. *ret is NULL when called; then lives as the rules do. 0, -ENOMEM, -ELOOP.
 */
int tree_category(struct builder *b, const struct model_object *o, uint32_t object,
		  const char **ret);
/* The function of a text that is no code; 0 or -ENOMEM. */
int tree_name_mark(struct builder *b, const char *text, uint32_t *ret);

/* tree_shape.c */
/* 0 or -ENOMEM */
int shape_init(struct builder *b);
void shape_free(struct shape *s);
/*
 * What is shown of a stack that the thread's group has; *ret is NULL never,
 * good until the next call. 0, -ENOMEM, -ELOOP.
 */
int shape_stack(struct builder *b, struct stack_merge_model *mm, uint32_t thread, uint32_t path,
		const struct shaped **ret);

/* tree_error.c */
void errors_init(struct builder *b, const struct query_input *in);
void errors_free(struct errors *e);
/* A window begins. 0, -ENOMEM, or by the limits. */
int errors_window(struct builder *b, const struct window *w);
/* Adds to a path in it, in the tree's unit; 0 or -ENOMEM. */
int errors_add(struct builder *b, uint32_t path, uint64_t value);
/* Fills the se fields of the tree's nodes (by shown path still) and functions. 0 or -ENOMEM. */
int errors_finish(struct builder *b);

#endif
