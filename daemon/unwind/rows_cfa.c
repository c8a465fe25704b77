// SPDX-License-Identifier: GPL-2.0
/*
 * The machine of CFI instructions, for the three registers that a row is
 * about. libdw's reader runs a function's program anew for each of its rows,
 * so that one long function of a hostile file stops it for minutes; this one
 * runs each program once: its work is the number of bytes.
 */
#include <dwarf.h>
#include <errno.h>

#include "unwind/rows_cfi.h"

#define MAX_REMEMBERED 16 /* states; compilers nest 1 */

/* stored as signed words of 8 bytes? */
static bool fits(int64_t off, int64_t min, int64_t max)
{
	return off >= min && off <= max && !(off & 7);
}

/*
 * At the ret of a function that realigned its stack gcc does not tell that rbp,
 * whose place it counted from rbp itself, is the caller's again. Where the CFA is
 * what it is at the function's first byte, nothing can have been saved.
 */
static bool nothing_is_left(const struct cfi_state *s)
{
	return s->cfa == CFI_CFA_REG && s->cfa_reg == ROWS_REG_SP && s->cfa_off == 8 &&
	       s->bp.where == CFI_AT_REG && s->bp.reg == ROWS_REG_BP;
}

/* Rule's rbp half into kind and field. */
static void bp_fields(const struct cfi_state *s, uint32_t *kind, int32_t *off)
{
	struct cfi_place p = s->bp;
	int64_t off_cfa;

	/* rsp + n is a place from the CFA as well, where that counts from rsp */
	if (p.where == CFI_AT_REG && p.reg == ROWS_REG_SP && s->cfa == CFI_CFA_REG &&
	    s->cfa_reg == ROWS_REG_SP && !__builtin_sub_overflow(p.off, s->cfa_off, &off_cfa))
		p = (struct cfi_place){ CFI_AT_CFA, 0, off_cfa };
	*off = 0;
	*kind = RINGPROF_BP_UNKNOWN;
	if (p.where == CFI_SAME || nothing_is_left(s)) {
		*kind = RINGPROF_BP_SAME;
		return;
	}
	if (!fits(p.off, RINGPROF_BPOFF_MIN, RINGPROF_BPOFF_MAX))
		return;
	if (p.where == CFI_AT_CFA)
		*kind = RINGPROF_BP_AT_CFA;
	else if (p.where == CFI_AT_REG && p.reg == ROWS_REG_BP)
		*kind = RINGPROF_BP_AT_BP;
	if (*kind != RINGPROF_BP_UNKNOWN)
		*off = (int32_t)(p.off / 8);
}

/* CFA from a register that lives in the leaf frame alone; its number takes bp's field. */
static uint32_t reg_rule(const struct cfi_state *s, uint32_t bp)
{
	if (s->cfa_reg >= ROWS_REG_RA)
		return RINGPROF_CFA_OPAQUE;
	if (bp != RINGPROF_BP_SAME)
		bp = RINGPROF_BP_UNKNOWN;
	return ringprof_rule(RINGPROF_CFA_REG, (int32_t)(s->cfa_off / 8), bp, (int32_t)s->cfa_reg);
}

static uint32_t cfa_kind(const struct cfi_state *s)
{
	switch (s->cfa) {
	case CFI_CFA_REG:
		return s->cfa_reg == ROWS_REG_SP   ? RINGPROF_CFA_SP
		       : s->cfa_reg == ROWS_REG_BP ? RINGPROF_CFA_BP
						   : RINGPROF_CFA_REG;
	case CFI_CFA_DEREF:
		return s->cfa_reg == ROWS_REG_BP ? RINGPROF_CFA_BP_DEREF : RINGPROF_CFA_OPAQUE;
	case CFI_CFA_DEREF8:
		return s->cfa_reg == ROWS_REG_SP ? RINGPROF_CFA_SP_DEREF : RINGPROF_CFA_OPAQUE;
	case CFI_CFA_PLT:
		return RINGPROF_CFA_PLT;
	default:
		return RINGPROF_CFA_OPAQUE;
	}
}

/* The C library's return from a signal: the CFA is rsp as the ucontext at rsp has it. */
static bool is_rt_sigframe(const struct cfi_state *s)
{
	return s->cfa == CFI_CFA_DEREF && s->cfa_reg == ROWS_REG_SP && s->cfa_off == 160;
}

uint32_t cfi_rule(const struct cfi_state *s, bool signal)
{
	uint32_t kind, bp;
	int32_t bpoff;

	if (signal)
		return is_rt_sigframe(s) ? RINGPROF_CFA_SIGNAL : RINGPROF_CFA_OPAQUE;
	if (s->ra.where == CFI_UNDEFINED)
		return RINGPROF_CFA_ROOT;
	if (s->ra.where != CFI_AT_CFA || s->ra.off != -8)
		return RINGPROF_CFA_OPAQUE;
	/* another stack pointer than the CFA: a switch of stacks */
	if (s->sp.where != CFI_SAME && !(s->sp.where == CFI_IS_CFA && !s->sp.off))
		return RINGPROF_CFA_OPAQUE;
	kind = cfa_kind(s);
	if (kind == RINGPROF_CFA_OPAQUE)
		return kind;
	bp_fields(s, &bp, &bpoff);
	if (kind == RINGPROF_CFA_PLT)
		return ringprof_rule(kind, (int32_t)s->cfa_off, bp, bpoff);
	if (!fits(s->cfa_off, RINGPROF_OFF_MIN, RINGPROF_OFF_MAX))
		return RINGPROF_CFA_OPAQUE;
	if (kind == RINGPROF_CFA_REG)
		return reg_rule(s, bp);
	return ringprof_rule(kind, (int32_t)(s->cfa_off / 8), bp, bpoff);
}

struct machine {
	const struct cfi_program *p;
	struct rows_builder *b;
	struct cursor c;
	struct cfi_state *s;
	uint64_t loc;
	struct cfi_state stack[MAX_REMEMBERED];
	uint32_t depth;
};

static struct cfi_place *place_of(struct cfi_state *s, uint64_t reg)
{
	return reg == ROWS_REG_BP   ? &s->bp
	       : reg == ROWS_REG_SP ? &s->sp
	       : reg == ROWS_REG_RA ? &s->ra
				    : NULL;
}

static void set_place(struct machine *m, uint64_t reg, enum cfi_where where, int64_t off)
{
	struct cfi_place *p = place_of(m->s, reg);

	if (p)
		*p = (struct cfi_place){ where, 0, off };
}

static void restore_place(struct machine *m, uint64_t reg)
{
	struct cfi_state init = m->p->cie->init;
	struct cfi_place *to = place_of(m->s, reg), *from = place_of(&init, reg);

	if (to)
		*to = *from;
}

/* Up to 2^63; a product that wraps is a number no compiler writes. */
static int64_t factored(struct machine *m, int64_t n)
{
	int64_t v = 0;

	if (__builtin_mul_overflow(n, m->p->cie->data_align, &v))
		m->c.bad = true;
	return v;
}

static int64_t take_offset(struct machine *m)
{
	uint64_t v = cursor_uleb(&m->c);

	if (v > INT64_MAX)
		m->c.bad = true;
	return (int64_t)v;
}

static void set_cfa(struct machine *m, uint64_t reg, int64_t off)
{
	m->s->cfa = CFI_CFA_REG;
	m->s->cfa_reg = reg > UINT32_MAX ? UINT32_MAX : (uint32_t)reg;
	m->s->cfa_off = off;
}

/* Changes one half of a CFA that must be register and offset. */
static void change_cfa(struct machine *m, const uint64_t *reg, int64_t off)
{
	if (m->s->cfa != CFI_CFA_REG)
		m->c.bad = true;
	else
		set_cfa(m, reg ? *reg : m->s->cfa_reg, reg ? m->s->cfa_off : off);
}

/* The rule up to now holds until `to`; past the function's end nothing does. */
static int advance(struct machine *m, uint64_t to)
{
	uint64_t loc = m->loc;

	if (!m->b || to < loc)
		return -EINVAL;
	m->loc = to;
	if (to == loc || loc >= m->p->end)
		return 0;
	return rows_put(m->b, loc, cfi_rule(m->s, m->p->cie->signal));
}

static int advance_by(struct machine *m, uint64_t delta)
{
	uint64_t to;

	if (__builtin_mul_overflow(delta, m->p->cie->code_align, &to) ||
	    __builtin_add_overflow(to, m->loc, &to))
		return -EINVAL;
	return advance(m, to);
}

static struct cursor take_block(struct machine *m)
{
	uint64_t n = cursor_uleb(&m->c);
	const uint8_t *p = cursor_take(&m->c, n);

	return p ? (struct cursor){ p, p + n, false } : (struct cursor){ m->c.end, m->c.end, true };
}

static int remember(struct machine *m)
{
	if (m->depth == MAX_REMEMBERED)
		return -EINVAL;
	m->stack[m->depth++] = *m->s;
	return 0;
}

static int recall(struct machine *m)
{
	if (!m->depth)
		return -EINVAL;
	*m->s = m->stack[--m->depth];
	return 0;
}

static int set_loc(struct machine *m)
{
	return m->p->pointer ? advance(m, m->p->pointer(&m->c, m->p->arg)) : -EINVAL;
}

static void op_cfa(struct machine *m, uint8_t op)
{
	uint64_t reg;

	switch (op) {
	case DW_CFA_def_cfa:
		reg = cursor_uleb(&m->c);
		set_cfa(m, reg, take_offset(m));
		break;
	case DW_CFA_def_cfa_sf:
		reg = cursor_uleb(&m->c);
		set_cfa(m, reg, factored(m, cursor_sleb(&m->c)));
		break;
	case DW_CFA_def_cfa_register:
		reg = cursor_uleb(&m->c);
		change_cfa(m, &reg, 0);
		break;
	case DW_CFA_def_cfa_offset:
		change_cfa(m, NULL, take_offset(m));
		break;
	case DW_CFA_def_cfa_offset_sf:
		change_cfa(m, NULL, factored(m, cursor_sleb(&m->c)));
		break;
	default:
		m->c.bad |= !cfi_cfa_expression(take_block(m), m->s);
		break;
	}
}

static void op_expression(struct machine *m, uint64_t reg, bool value)
{
	struct cfi_place *p = place_of(m->s, reg);
	struct cursor block = take_block(m);

	if (p)
		*p = value ? (struct cfi_place){ .where = CFI_OTHER } : cfi_place_expression(block);
}

static void op_place(struct machine *m, uint8_t op)
{
	uint64_t reg = cursor_uleb(&m->c);

	switch (op) {
	case DW_CFA_offset_extended:
		set_place(m, reg, CFI_AT_CFA, factored(m, take_offset(m)));
		break;
	case DW_CFA_offset_extended_sf:
		set_place(m, reg, CFI_AT_CFA, factored(m, cursor_sleb(&m->c)));
		break;
	case DW_CFA_GNU_negative_offset_extended:
		set_place(m, reg, CFI_AT_CFA, factored(m, -take_offset(m)));
		break;
	case DW_CFA_val_offset:
		set_place(m, reg, CFI_IS_CFA, factored(m, take_offset(m)));
		break;
	case DW_CFA_val_offset_sf:
		set_place(m, reg, CFI_IS_CFA, factored(m, cursor_sleb(&m->c)));
		break;
	case DW_CFA_restore_extended:
		restore_place(m, reg);
		break;
	case DW_CFA_undefined:
		set_place(m, reg, CFI_UNDEFINED, 0);
		break;
	case DW_CFA_same_value:
		set_place(m, reg, CFI_SAME, 0);
		break;
	case DW_CFA_register:
		cursor_uleb(&m->c);
		set_place(m, reg, CFI_OTHER, 0);
		break;
	default:
		op_expression(m, reg, op == DW_CFA_val_expression);
		break;
	}
}

static int op_low(struct machine *m, uint8_t op)
{
	switch (op) {
	case DW_CFA_nop:
		return 0;
	case DW_CFA_set_loc:
		return set_loc(m);
	case DW_CFA_advance_loc1:
		return advance_by(m, cursor_uint(&m->c, 1));
	case DW_CFA_advance_loc2:
		return advance_by(m, cursor_uint(&m->c, 2));
	case DW_CFA_advance_loc4:
		return advance_by(m, cursor_uint(&m->c, 4));
	case DW_CFA_remember_state:
		return remember(m);
	case DW_CFA_restore_state:
		return recall(m);
	case DW_CFA_GNU_args_size:
		cursor_uleb(&m->c);
		return 0;
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf:
	case DW_CFA_def_cfa_register:
	case DW_CFA_def_cfa_offset:
	case DW_CFA_def_cfa_offset_sf:
	case DW_CFA_def_cfa_expression:
		op_cfa(m, op);
		return 0;
	case DW_CFA_offset_extended:
	case DW_CFA_offset_extended_sf:
	case DW_CFA_GNU_negative_offset_extended:
	case DW_CFA_val_offset:
	case DW_CFA_val_offset_sf:
	case DW_CFA_restore_extended:
	case DW_CFA_undefined:
	case DW_CFA_same_value:
	case DW_CFA_register:
	case DW_CFA_expression:
	case DW_CFA_val_expression:
		op_place(m, op);
		return 0;
	default:
		return -EINVAL;
	}
}

static int op_any(struct machine *m)
{
	uint8_t op = cursor_u8(&m->c), low = op & 0x3f;

	switch (op & 0xc0) {
	case DW_CFA_advance_loc:
		return advance_by(m, low);
	case DW_CFA_offset:
		set_place(m, low, CFI_AT_CFA, factored(m, take_offset(m)));
		return 0;
	case DW_CFA_restore:
		restore_place(m, low);
		return 0;
	default:
		return op_low(m, op);
	}
}

int cfi_run(const struct cfi_program *p, struct cfi_state *s, struct rows_builder *b)
{
	struct machine m = { .p = p, .b = b, .c = p->code, .s = s, .loc = p->start };
	int r = 0;

	while (!r && cursor_left(&m.c)) {
		r = op_any(&m);
		if (m.c.bad)
			r = -EINVAL;
	}
	if (!r && b)
		r = advance(&m, m.loc < p->end ? p->end : m.loc);
	return r;
}
