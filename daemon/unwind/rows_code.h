/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is shared by the search for functions without unwind information
 * (rows_code_find.c) and what makes rows of them (rows_code.c). Of one call of
 * rows_of_*, as its builder.
 */
#ifndef RINGPROF_UNWIND_ROWS_CODE_H
#define RINGPROF_UNWIND_ROWS_CODE_H

#include "unwind/code.h"
#include "unwind/rows_int.h"

/* executable bytes of a section that no span covers, at this place of the file */
struct code_gap {
	uint64_t start, end, off;
};

struct code_func {
	uint64_t start, end;
	bool sized;   /* the end is its symbol's */
	bool part;    /* of another one, which jumps there */
	bool pointer; /* all that tells of it is a pointer */
};

#define CODE_MAX_PLT 4

struct code_search {
	struct rows_builder *b;
	struct code_gap *gaps; /* ascending */
	size_t n_gaps, cap_gaps;
	struct code_gap plt[CODE_MAX_PLT]; /* sections of stubs */
	size_t n_plt;
	struct code_func *funcs;
	size_t n_funcs, cap_funcs;
	struct code_func *pointed; /* by pointers alone */
	size_t n_pointed, cap_pointed;
	struct code_edge *edges; /* between functions, sorted: what is gone by */
	size_t n_edges;
	struct code_edge *found; /* and what is found meanwhile */
	size_t n_found, cap_found;
	uint8_t *code;
	size_t cap_code;
	uint64_t looked_at; /* bytes */
	uint64_t work;	    /* instructions gone along for them */
	struct code_flow *flow;
};

/*
 * Bytes of code that are followed in one file, all rounds together: 20 to 60 of
 * these a microsecond, while other files wait for their rows.
 */
#define CODE_MAX_BYTES	(24U << 20)
#define CODE_MAX_ROUNDS 3 /* where functions have no size: see rows_code.c */

int code_find_gaps(struct code_search *c);
/* Bytes of all gaps. */
uint64_t code_gap_bytes(const struct code_search *c);
/* NULL: none */
const struct code_gap *code_gap_of(const struct code_search *c, uint64_t at);
/* The first of b's settled spans that ends behind at, n_settled: none does. They are sorted. */
size_t code_first_span(const struct rows_builder *b, uint64_t at);
/* Is it in a section of stubs, each of which jumps to a function? */
bool code_in_plt(const struct code_search *c, uint64_t at);
/* Bytes of a gap; 0 or -errno. */
int code_read(const struct code_search *c, uint64_t at, uint8_t *to, size_t n);
/* Functions in gaps, by symbols and calls, and by pointers. 0 or -errno. */
int code_find_functions(struct code_search *c);
/* Sorts them by address and keeps one of those at one place. */
void code_drop_doubles(struct code_func *funcs, size_t *n);

#endif
