/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The numbering of one history file: its objects, frames, stacks, label sets
 * and names, as a model whose numbers are the file's. The writer adds to it
 * and writes what is new as a segment; a reader makes the same of the
 * segments. So the writer's dictionary is the reader's, too.
 *
 * Entries of windows are numbered once more, per label set in order of first
 * appearance (a "local"): a service's own stacks get small numbers, and gaps
 * between small numbers are what compresses.
 *
 * Not thread safe: the file's lock guards it. The model may be read by any
 * thread as models may.
 */
#ifndef RINGPROF_STORE_DICT_H
#define RINGPROF_STORE_DICT_H

#include "agg/window.h"
#include "base/buf.h"
#include "base/hmap.h"
#include "store/names.h"

/* labels that raw files tell threads by: no rule of the settings makes such */
#define DICT_PID "__pid__"
#define DICT_TID "__tid__"

struct dict_series {
	uint32_t *code; /* by local: stack * 2 + (sampled in kernel mode) */
	uint32_t n, cap;
	uint32_t written; /* of n */
};

/* how much of each table the file holds already */
struct dict_mark {
	uint32_t texts, objects, frames, stacks, series;
};

struct dict {
	struct model *model;
	struct name_table *names;
	const char **texts; /* by number; the model's strings */
	size_t n_texts, cap_texts;
	struct dict_series *series;
	size_t n_series, cap_series;
	size_t local_bytes; /* of all of series[].code */
	/* writers only */
	bool writable;
	struct hmap text_index;	 /* by pointer: the model's strings are interned */
	const char *empty;	 /* the model's "": most texts of a name are that */
	struct hmap local_index; /* hash_mix(series, code) -> local */
	struct dict_mark written;
	struct dict_name { /* names to write */
		uint32_t frame;
		struct name_row row;
	} * fresh;
	size_t n_fresh, cap_fresh;
};

struct dict *dict_new(void); /* NULL: no memory */
void dict_free(struct dict *d);
size_t dict_bytes(const struct dict *d);

/* Reads one raw segment; 0, -ENOMEM, -EBADMSG: not one that follows what is there. */
int dict_read(struct dict *d, const void *raw, size_t len);

/* Builds what only adding needs; 0 or -ENOMEM. */
int dict_make_writable(struct dict *d);
/* Numbers, made when new; UINT32_MAX: no memory. */
uint32_t dict_object(struct dict *d, const struct model_object *o, const struct stored_key *key);
uint32_t dict_series(struct dict *d, const struct model_series *labels, const char *comm,
		     const char *exe);
uint32_t dict_local(struct dict *d, uint32_t series, uint32_t code);
/* A name for a frame; lines are copied. 0 or -ENOMEM. */
int dict_name(struct dict *d, uint32_t frame, const struct sym_answer *a, bool has_vaddr,
	      int64_t bias);
/* Appends what is new since dict_written as a raw segment; nothing when nothing is. */
void dict_segment(const struct dict *d, struct buf *out);
/* The last segment is in the file now. */
void dict_written(struct dict *d);

#endif
