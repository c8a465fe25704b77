/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the pprof reader share. Nobody else includes this. */
#ifndef RINGPROF_EXPORT_PPROF_READ_INT_H
#define RINGPROF_EXPORT_PPROF_READ_INT_H

#include "export/pprof_read.h"
#include "profile.pb-c.h"
#include "query/stack_merge.h"

#define PPROF_MAX_TYPES 64
#define PPROF_MAX_LINES 1024 /* inlined functions at one place */

typedef Ringprof__Pprof__Profile pprof_profile;

struct pprof_place { /* a location: its functions, outermost first */
	uint32_t first, n;
};

struct pprof_weights {
	uint64_t value, samples;
};

struct pprof_reader {
	const pprof_profile *p;
	struct pprof_info *info;
	char *err;
	size_t errlen;
	struct budget budget;
	struct tree *tree;
	/* pprof_read_types.c */
	size_t column, count_column; /* of a sample's values */
	uint64_t factor;	     /* from the file's unit to info->unit */
	uint64_t period;	     /* of count_column's unit; for PPROF_PERIOD */
	/* pprof_read_places.c */
	struct hmap functions, mappings, locations; /* id -> place in the file's list */
	struct hmap func_index;
	uint32_t cap_funcs, n_keys, cap_keys;
	uint32_t *keys; /* tree functions */
	struct pprof_place *places;
	struct paths paths;
	struct pprof_weights *self; /* by path */
	uint32_t n_self, cap_self;
};

/* The message into err; gives r. */
int pprof_refuse(struct pprof_reader *rd, int r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "" for an index that is out of range: checked before by pprof_check_texts. */
const char *pprof_text(const pprof_profile *p, int64_t i);
/* All of the file's text numbers are in its table. 0 or -EBADMSG. */
int pprof_check_texts(struct pprof_reader *rd);
/* Chooses the column, its unit, and what counts samples. */
int pprof_choose_type(struct pprof_reader *rd, const char *wanted);
/* Samples behind a row's value. */
uint64_t pprof_row_samples(const struct pprof_reader *rd, const int64_t *values);
/* ids -> places -> functions of the tree. 0, -EBADMSG, -ENOMEM. */
int pprof_read_places(struct pprof_reader *rd);
/* Number of the location with that id in the file's list; UINT32_MAX: none. */
uint32_t pprof_find_location(const struct pprof_reader *rd, uint64_t id);

#endif
