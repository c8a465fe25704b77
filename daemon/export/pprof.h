/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A profile as rows of numbers, between collecting (pprof.c) and encoding
 * (pprof_write.c). Rows refer to each other by index; an id in the profile is
 * index + 1, except mappings', which are put in order of weight at the end.
 * Texts are numbers of `strings`, whose order is the string table's.
 */
#ifndef RINGPROF_EXPORT_PPROF_H
#define RINGPROF_EXPORT_PPROF_H

#include "export/export.h"
#include "query/stack_merge.h"

struct pprof_function {
	uint32_t name, system_name, file, start_line;
};

struct pprof_line {
	uint32_t function, line;
};

struct pprof_mapping {
	uint32_t name, build_id;
	uint8_t file[20]; /* the key of struct file, else 0 */
	enum frame_kind kind;
	bool is_segment; /* [start, limit) is the file's own layout; else it grows with its locations */
	bool grows;	 /* a segment that the history knew first: it gets wider */
	bool whole;	 /* what grows has learned its ends from the file, too */
	bool has_files, has_lines, has_inlines;
	uint64_t start, limit, offset;
	uint64_t self; /* ns of samples with their leaf here */
	uint32_t id;
};

struct pprof_location {
	uint32_t mapping;
	uint32_t first_line, n_lines;
	uint64_t address; /* marks: their number */
	/* addresses that more than one piece of code had: table and version, run or boot */
	uint64_t jit, epoch;
};

struct pprof_labels {
	uint32_t service;      /* text, 0 none */
	int32_t pid, tid, cpu; /* -1 none */
};

struct pprof_sample {
	uint32_t path, labels;
	uint64_t count, weight;
};

#define PPROF_TABLE(type, name) \
	struct type *name;      \
	uint32_t n_##name, cap_##name

struct pprof {
	struct budget budget;
	struct stack_merge merge; /* keys of paths are locations */
	const struct query_env *env;
	const struct pprof_options *opt;
	struct strtab *strings;
	PPROF_TABLE(pprof_function, functions);
	PPROF_TABLE(pprof_line, lines);
	PPROF_TABLE(pprof_mapping, mappings);
	PPROF_TABLE(pprof_location, locations);
	PPROF_TABLE(pprof_labels, labels);
	PPROF_TABLE(pprof_sample, samples);
	struct hmap function_index, mapping_index, location_index, label_index, sample_index;
	uint32_t *order;     /* mappings by id - 1 */
	uint32_t with_lines; /* functions whose source is known */
	struct sym_answer answer;
};

/* Location of a place, made when new (pprof_table.c). 0 or -ENOMEM. */
int pprof_location(struct pprof *p, const struct model_object *o, uint64_t off, uint32_t *ret);
/* Mapping of an address of that object (pprof_mapping.c); address is set for the profile. */
int pprof_mapping(struct pprof *p, const struct model_object *o, uint64_t off, uint64_t *address,
		  uint32_t *ret);
/* Gives mappings their ids; at least one exists afterwards. */
int pprof_finish_mappings(struct pprof *p);
/* Encodes the rows; the last step. */
int pprof_write(struct pprof *p, struct sink out);

#endif
