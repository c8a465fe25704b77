/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A window of one tier in the making. Windows, live or read from a finer tier,
 * are brought into the numbering of the file that is written, and added up:
 * integers, so a coarser tier is the exact sum of the finer ones. The writer's
 * thread alone.
 */
#ifndef RINGPROF_STORE_ROLL_H
#define RINGPROF_STORE_ROLL_H

#include "store/hfile.h"
#include "store/roll_cells.h"

struct history;

struct roll_fresh {
	uint32_t frame, src; /* in the file, in the window's model */
};

/* numbers of a model in the file: + 1, 0 not known yet */
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

struct roll {
	struct history *history;
	uint32_t tier;
	uint64_t step;
	bool whole;	    /* each window given becomes one (pins) */
	bool raw;	    /* likewise, with its samples; threads are told apart */
	struct hfile *file; /* a reference; NULL: none yet */
	ZSTD_CCtx **packer; /* see hfile_pack; of all rolls of one thread */
	struct roll_map map;
	bool open; /* something was added */
	struct hrow row;
	struct code_head head;
	uint64_t samples;
	struct cells cells;
	/* raw: of the window that is added */
	const struct window_event *events;
	uint32_t n_events;
	const struct window *window;
	struct roll_fresh *fresh; /* frames to be named */
	size_t n_fresh, cap_fresh;
};

/*
 * Adds a window; writes the one before when this does not continue it, and this
 * when it completes its step. 0 or -errno: what could not be written is lost
 * and counted.
 */
int roll_add(struct roll *r, const struct window *w, uint64_t first_seq, uint64_t last_seq);
/* Of a raw roll: the same with the samples of w. */
int roll_add_raw(struct roll *r, const struct window *w, uint64_t seq,
		 const struct window_event *events, uint32_t n);
/* Writes what was added as it is. */
int roll_flush(struct roll *r);
/* Writes on no more: the next window gets a new file. As hfile_seal. */
int roll_seal(struct roll *r);
/* The same for the sake of memory: what was added is written before. */
void roll_cut(struct roll *r);
/* What it holds in memory, the numbering of its file included. */
size_t roll_bytes(const struct roll *r);
void roll_free(struct roll *r);

#endif
