/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Windows of several tiers in the making. Windows, live or read from a finer
 * tier, are brought into one numbering, which all tiers' files share, and added
 * up for each: integers, so a coarser tier is the exact sum of the finer ones.
 * The files begin and end together, for a file holds all that its numbers
 * refer to. The writer's thread alone.
 */
#ifndef RINGPROF_STORE_ROLL_H
#define RINGPROF_STORE_ROLL_H

#include "base/clock.h"
#include "store/hfile.h"
#include "store/roll_cells.h"

struct history;

/* what a clock that is set by little leaves between two windows that are added up */
#define ROLL_SAME_TIME_NS (100 * NSEC_PER_MSEC)

static inline bool roll_is_near(uint64_t a, uint64_t b)
{
	return a > b ? a - b <= ROLL_SAME_TIME_NS : b - a <= ROLL_SAME_TIME_NS;
}

struct roll_fresh {
	uint32_t frame, src; /* in the files, in the window's model */
};

/* numbers of a model in the files: + 1, 0 not known yet */
struct roll_map {
	struct model *model; /* a reference */
	const struct dict *dict;
	uint32_t *objects, *frames, *stacks, *threads;
	size_t n[4];
	struct hmap pairs; /* (thread, stack, mode) -> cell; the hash is the key */
	/* frames without a name: some come late (a debug file, a JIT's map) */
	struct roll_fresh *unnamed;
	size_t n_unnamed, cap_unnamed, next_unnamed;
};

/* one of them: the window in the making, and the file that it goes to */
struct roll_tier {
	uint32_t tier;
	uint64_t step;
	struct hfile *file; /* a reference; NULL: none yet */
	bool open;	    /* something was added */
	struct hrow row;
	struct code_head head;
	uint64_t samples;
};

struct roll {
	struct history *history;
	bool whole; /* each window given becomes one (pins): its file and dict are the owner's */
	bool raw;   /* likewise, with its samples; threads are told apart */
	ZSTD_CCtx **packer; /* see hfile_pack; of all rolls of one thread */
	unsigned int n;	    /* tiers, the finest first */
	struct roll_tier tiers[DICT_FILES];
	uint64_t day;	   /* of the files */
	struct dict *dict; /* a reference: what the files are numbered by; NULL: none yet */
	bool full;	   /* there is no room left in them */
	struct roll_map map;
	struct cells cells;
	/* of the window that is added: cells of its entries, UINT32_MAX: nothing is in it */
	uint32_t *places;
	size_t cap_places;
	/* raw: likewise */
	const struct window_event *events;
	uint32_t n_events;
	const struct window *window;
	struct roll_fresh *fresh; /* frames to be named */
	size_t n_fresh, cap_fresh;
	uint64_t others; /* threads that came to one label set too many: to be counted */
};

/* Of n tiers from `first` on; see hfile_pack for the packer. */
void roll_init(struct roll *r, struct history *h, uint32_t first, unsigned int n,
	       ZSTD_CCtx **packer);
/*
 * Adds a window to all tiers; writes what it does not continue before, and what
 * it completes. 0 or -errno: what could not be written is lost and counted.
 */
int roll_add(struct roll *r, const struct window *w, uint64_t first_seq, uint64_t last_seq);
/* To tiers[i] alone: what that one lacks. */
int roll_add_to(struct roll *r, unsigned int i, const struct window *w, uint64_t first_seq,
		uint64_t last_seq);
/* Of a raw roll: the same with the samples of w. */
int roll_add_raw(struct roll *r, const struct window *w, uint64_t seq,
		 const struct window_event *events, uint32_t n);
/*
 * Writes the finest tier as it is and closes the files; what is open of the
 * others comes again from it. As hfile_seal.
 */
int roll_seal(struct roll *r);
/* Begins new files, for the sake of memory: what was added is written before. */
void roll_cut(struct roll *r);
/* What it holds in memory, the numbering of its files included. */
size_t roll_bytes(const struct roll *r);
void roll_free(struct roll *r);

#endif
