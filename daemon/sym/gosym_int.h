/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of the Go tables: gosym.c knows the layout, gosym_lines.c reads values by pc. */
#ifndef RINGPROF_SYM_GOSYM_INT_H
#define RINGPROF_SYM_GOSYM_INT_H

#include "sym/gosym.h"

/* 32-bit fields of a function's record behind its address, in their order */
enum {
	GOSYM_NAME,
	GOSYM_ARGS,
	GOSYM_DEFER,
	GOSYM_PC_SP,
	GOSYM_PC_FILE,
	GOSYM_PC_LINE,
	GOSYM_N_PCDATA,
	GOSYM_CU,	  /* from 1.16 on */
	GOSYM_START_LINE, /* from 1.20 on */
	GOSYM_KINDS,	  /* bytes: id, flags, -, number of funcdata; 1.20 */
	GOSYM_PCDATA,	  /* 1.20 */
};

/* Copies bytes of the table; 0, -EINVAL outside of it, -errno. */
int gosym_read(const struct gosym *g, uint64_t off, void *dst, size_t len);
bool gosym_u32(const struct gosym *g, uint64_t off, uint32_t *ret);
bool gosym_ptr(const struct gosym *g, uint64_t off, uint64_t *ret);
/* The text at off of the table, "" outside of it; cut to fit. */
void gosym_string(const struct gosym *g, uint64_t off, char out[GOSYM_NAME_MAX]);
/* Address and record (offset in the table) of function i; i == n_funcs: where the last one ends. */
bool gosym_func(const struct gosym *g, uint64_t i, uint64_t *pc, uint64_t *func);
bool gosym_field(const struct gosym *g, uint64_t func, unsigned int field, uint32_t *ret);

#endif
