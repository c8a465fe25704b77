/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Call frame information: the rules for CFA, rbp and return address that CFI
 * instructions make, and the row rule they come to. Pure functions over bytes.
 */
#ifndef RINGPROF_UNWIND_ROWS_CFI_H
#define RINGPROF_UNWIND_ROWS_CFI_H

#include "unwind/rows_int.h"

/* where the caller's value of a register is */
enum cfi_where {
	CFI_SAME = 0, /* in the register, also when nothing is said */
	CFI_AT_CFA,   /* *(CFA + off) */
	CFI_AT_REG,   /* *(reg + off) */
	CFI_IS_CFA,   /* CFA + off itself */
	CFI_UNDEFINED,
	CFI_OTHER,
};

struct cfi_place {
	enum cfi_where where;
	uint32_t reg;
	int64_t off;
};

enum cfi_cfa {
	CFI_CFA_NONE = 0,
	CFI_CFA_REG,	 /* reg + off */
	CFI_CFA_DEREF,	 /* *(reg + off) */
	CFI_CFA_DEREF8,	 /* *(reg + off) + 8 */
	CFI_CFA_PLT,	 /* off: the slot's byte from which on something is pushed */
	CFI_CFA_COMPLEX, /* an expression that no row holds */
};

struct cfi_state {
	enum cfi_cfa cfa;
	uint32_t cfa_reg;
	int64_t cfa_off;
	struct cfi_place bp, sp, ra;
};

struct cfi_cie {
	uint64_t off; /* in its section */
	bool ok, has_augmentation, signal;
	uint8_t pointers; /* DW_EH_PE_* of FDE addresses */
	uint64_t code_align;
	int64_t data_align;
	struct cfi_state init;
};

/* CFA expressions; false: cut short. What no row holds gives COMPLEX. */
bool cfi_cfa_expression(struct cursor expr, struct cfi_state *s);
/* The address where a register is saved. */
struct cfi_place cfi_place_expression(struct cursor expr);

/* The row's rule that a state comes to; OPAQUE where none does. */
uint32_t cfi_rule(const struct cfi_state *s, bool signal);

struct cfi_program {
	const struct cfi_cie *cie;
	struct cursor code;
	uint64_t start, end; /* addresses; equal: a CIE's, which has none */
	/* DW_CFA_set_loc's address; NULL: not there */
	uint64_t (*pointer)(struct cursor *c, void *arg);
	void *arg;
};

/*
 * Runs a program from *s on, putting rows to b (NULL: none, for a CIE); *s is
 * left as the last instruction made it. 0, -EINVAL wrong bytes, -errno.
 */
int cfi_run(const struct cfi_program *p, struct cfi_state *s, struct rows_builder *b);

#endif
