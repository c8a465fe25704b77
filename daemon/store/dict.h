/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The numbering of a history file: its objects, frames, stacks, label sets
 * and names, as a model whose numbers are the file's. The writer adds to it
 * and writes what is new as a segment; a reader makes the same of the
 * segments. So the writer's dictionary is the reader's, too.
 *
 * Files that are written side by side hold the same stacks, so they share one:
 * each has a mark of what of it stands there. A file that lags behind holds a
 * beginning of the numbering, never something else.
 *
 * Entries of windows are numbered once more, per label set in order of first
 * appearance (a "local"): a service's own stacks get small numbers, and gaps
 * between small numbers are what compresses.
 *
 * Its lock guards all of it while it is written on; the model may be read by
 * any thread as models may. One thread adds; that one may look without the lock.
 */
#ifndef RINGPROF_STORE_DICT_H
#define RINGPROF_STORE_DICT_H

#include <pthread.h>

#include "agg/window.h"
#include "base/buf.h"
#include "base/hmap.h"
#include "store/names.h"

/* labels that raw files tell threads by: no rule of the settings makes such */
#define DICT_PID "__pid__"
#define DICT_TID "__tid__"

#define DICT_FILES 4 /* that share one, at most */

struct dict_series {
	uint32_t *code; /* by local: stack * 2 + (sampled in kernel mode) */
	uint32_t n, cap;
	uint32_t written[DICT_FILES]; /* of n */
};

/* how much of each table a file holds already */
struct dict_mark {
	uint32_t texts, objects, frames, stacks, series, named;
};

struct dict {
	int refs; /* atomic */
	pthread_mutex_t lock;
	struct model *model;
	struct name_table *names;
	const char **texts; /* by number; the model's strings */
	size_t n_texts, cap_texts, text_bytes;
	struct dict_series *series;
	size_t n_series, cap_series;
	size_t local_bytes; /* of all of series[].code */
	/* writers only */
	struct hmap text_index;	 /* by pointer: the model's strings are interned */
	const char *empty;	 /* the model's "": most texts of a name are that */
	struct hmap local_index; /* hash_mix(series, code) -> local */
	unsigned int n_files;
	struct dict_mark written[DICT_FILES];
	uint32_t *named; /* frames whose names some file does not have yet, as they came */
	size_t n_named, cap_named;
};

struct dict *dict_new(void); /* one reference; NULL: no memory */
struct dict *dict_ref(struct dict *d);
void dict_unref(struct dict *d); /* NULL is fine */
size_t dict_bytes(const struct dict *d);

/* Reads one raw segment; 0, -ENOMEM, -EBADMSG: not one that follows what is there. */
int dict_read(struct dict *d, const void *raw, size_t len);

/*
 * Builds what only adding needs, for n_files files. What was read stands in
 * file 0 alone. 0 or -ENOMEM.
 */
int dict_make_writable(struct dict *d, unsigned int n_files);
/*
 * Has d all that part has, under the same numbers? Then the file that part was
 * read from can be written on as that file of d: it is marked so. Part is
 * nobody else's meanwhile, or nobody adds to it.
 */
bool dict_continues(struct dict *d, unsigned int file, const struct dict *part);
/* Numbers, made when new; UINT32_MAX: no memory. */
uint32_t dict_object(struct dict *d, const struct model_object *o, const struct stored_key *key);
uint32_t dict_series(struct dict *d, const struct model_series *labels, const char *comm,
		     const char *exe);
uint32_t dict_local(struct dict *d, uint32_t series, uint32_t code);
/* A name for a frame; lines are copied. 0 or -ENOMEM. */
int dict_name(struct dict *d, uint32_t frame, const struct sym_answer *a, bool has_vaddr,
	      int64_t bias);
/* Appends what the file does not have as a raw segment; nothing when it has all. */
void dict_segment(const struct dict *d, unsigned int file, struct buf *out);
/* The file has all that there is now. */
void dict_written(struct dict *d, unsigned int file);
/* The file is another one, with nothing in it. 0 or -ENOMEM: the dictionary is of no use then. */
int dict_unwritten(struct dict *d, unsigned int file);

#endif
