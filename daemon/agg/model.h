/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interned world of profiles: objects (files, kernel), frames, stacks,
 * processes, threads, label sets. Windows refer to it by number.
 *
 * Append only: rows never move or change once published, so that queries read
 * them without a lock while the collector adds. When the tables pass their
 * byte limit the aggregator starts a new model for the windows to come; the
 * old one goes when its last window goes. Hence the reference count.
 */
#ifndef RINGPROF_AGG_MODEL_H
#define RINGPROF_AGG_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/strtab.h"
#include "store/names.h"
#include "sym/files.h"
#include "sym/jit.h"
#include "sym/symbols.h"

struct model_object { /* what a mapping in pprof stands for */
	enum frame_kind kind;
	struct file *file; /* FRAME_USER, a reference; else NULL */
	/*
	 * path, "[kernel.kallsyms]", "[vdso]", "[jit]", "[anon]", "[unknown]", "[ringprof]"
	 * (marks). FRAME_UNKNOWN with a path: a mapped file that cannot be opened
	 * or is no ELF; its frames' off is the file offset.
	 */
	const char *name;
	const char *build_id;  /* "" none */
	struct jit_table *jit; /* FRAME_ANON of one process, a reference; else NULL */
	uint32_t jit_version;  /* of the code in it: sym/jit.h */
	/* a reference; NULL: live. Read from a file of the history: it keeps the names, file is NULL */
	const struct stored_names *stored;
};

/*
 * off is the exact place to look up: the sampled pc for the leaf and for the
 * user pc below a kernel entry, the return address - 1 for callers. So naming
 * needs to know nothing about a frame's position in its stack.
 */
struct model_frame {
	uint32_t object; /* index of model_object */
	uint64_t off;	 /* file offset or address, as the kind says */
};

struct model_stack {
	uint32_t parent; /* towards the root; 0 = root, the empty stack */
	uint32_t frame;	 /* index of model_frame */
};

/* the 14 that a process has, 16 external ones, and some for rules to add */
#define MODEL_MAX_LABELS 32

struct model_series { /* a label set; keys and values interned, sorted by key */
	uint32_t n;
	struct {
		const char *key, *value;
	} labels[MODEL_MAX_LABELS];
};

struct model_proc {
	int32_t pid;
	uint32_t series;
	uint64_t start_time;
	const char *comm, *exe;
};

struct model_thread {
	uint32_t proc;
	int32_t tid;
};

struct model;

struct model *model_new(void); /* one reference; NULL: no memory */
struct model *model_ref(struct model *m);
void model_unref(struct model *m);	   /* NULL is fine */
size_t model_bytes(const struct model *m); /* any thread */

/*
 * writers: the collector alone; equal rows are one row; strings are copied in,
 * the file is referenced; UINT32_MAX: no memory (or sealed)
 */
uint32_t model_add_object(struct model *m, enum frame_kind kind, struct file *file,
			  const char *name, const char *build_id);
/* "[jit]": code of that version of a process's own making; the table is referenced */
uint32_t model_add_jit(struct model *m, struct jit_table *jit, uint32_t version);
/* an object of a history file; the names are referenced, each handle is an object of its own */
uint32_t model_add_stored(struct model *m, enum frame_kind kind, const char *name,
			  const char *build_id, const struct stored_names *stored);
uint32_t model_add_frame(struct model *m, uint32_t object, uint64_t off);
uint32_t model_add_stack(struct model *m, uint32_t parent, uint32_t frame);
uint32_t model_add_series(struct model *m, const struct model_series *labels);
uint32_t model_add_proc(struct model *m, const struct model_proc *p);
uint32_t model_add_thread(struct model *m, uint32_t proc, int32_t tid);
const char *model_string(struct model *m, const char *s); /* interned copy; NULL: no memory */
/* The number of that label set (strings compared by text), UINT32_MAX: not there. */
uint32_t model_find_series(struct model *m, const struct model_series *labels);
/* Nothing more is added: gives back the memory that only adding needs. */
void model_seal(struct model *m);

/*
 * readers: any thread; the index must come from a published window (an index
 * that was never given reads as an all-zero row). The row lives as long as the
 * model.
 */
const struct model_object *model_object(const struct model *m, uint32_t i);
const struct model_frame *model_frame(const struct model *m, uint32_t i);
const struct model_stack *model_stack(const struct model *m, uint32_t i);
const struct model_series *model_series(const struct model *m, uint32_t i);
const struct model_proc *model_proc(const struct model *m, uint32_t i);
const struct model_thread *model_thread(const struct model *m, uint32_t i);
/* counts, for metrics: objects, frames, stacks, series, procs, threads in this order */
void model_counts(const struct model *m, uint32_t ret[6]);

#endif
