// SPDX-License-Identifier: GPL-2.0
/*
 * DWARF expressions in call frame information. Compilers, linkers and
 * assembly generators write a handful of forms; those are recognised, none is
 * evaluated: a row cannot hold a program.
 */
#include <dwarf.h>

#include "unwind/rows_cfi.h"

struct breg {
	uint32_t reg;
	int64_t off;
};

static bool take_breg(struct cursor *c, struct breg *ret)
{
	uint8_t op = cursor_u8(c);

	if (op < DW_OP_breg0 || op > DW_OP_breg31)
		return false;
	ret->reg = op - DW_OP_breg0;
	ret->off = cursor_sleb(c);
	return !c->bad;
}

static bool take_op(struct cursor *c, uint8_t op)
{
	return cursor_u8(c) == op && !c->bad;
}

/*
 * Behind "breg sp + 8" of a lazy PLT slot: one more word once the slot has
 * pushed its number, that is from byte N of the 16 on.
 */
static bool take_plt(struct cursor c, int64_t *ret)
{
	static const uint8_t tail[] = { DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus };
	struct breg ip;
	uint8_t lit;

	if (!take_breg(&c, &ip) || ip.reg != ROWS_REG_RA || ip.off || !take_op(&c, DW_OP_lit15) ||
	    !take_op(&c, DW_OP_and))
		return false;
	lit = cursor_u8(&c);
	if (lit < DW_OP_lit0 || lit > DW_OP_lit15 || cursor_left(&c) != sizeof(tail) ||
	    memcmp(c.p, tail, sizeof(tail)))
		return false;
	*ret = lit - DW_OP_lit0;
	return true;
}

/* Behind "breg deref": nothing, or 8 more. */
static enum cfi_cfa after_deref(struct cursor c)
{
	uint8_t op;

	if (!cursor_left(&c))
		return CFI_CFA_DEREF;
	op = cursor_u8(&c);
	if (op == DW_OP_plus_uconst && cursor_uleb(&c) == 8 && !c.bad && !cursor_left(&c))
		return CFI_CFA_DEREF8;
	if (op == DW_OP_lit8 && take_op(&c, DW_OP_plus) && !cursor_left(&c))
		return CFI_CFA_DEREF8;
	return CFI_CFA_COMPLEX;
}

bool cfi_cfa_expression(struct cursor c, struct cfi_state *s)
{
	struct breg r;

	s->cfa = CFI_CFA_COMPLEX;
	s->cfa_reg = 0;
	s->cfa_off = 0;
	if (!cursor_left(&c))
		return false;
	if (!take_breg(&c, &r))
		return !c.bad;
	s->cfa_reg = r.reg;
	s->cfa_off = r.off;
	if (!cursor_left(&c)) {
		s->cfa = CFI_CFA_REG;
	} else if (*c.p == DW_OP_deref) {
		c.p++;
		s->cfa = after_deref(c);
	} else if (r.reg == ROWS_REG_SP && r.off == 8 && take_plt(c, &s->cfa_off)) {
		s->cfa = CFI_CFA_PLT;
	}
	return true;
}

struct cfi_place cfi_place_expression(struct cursor c)
{
	struct cfi_place ret = { .where = CFI_OTHER };
	struct breg r;

	if (take_breg(&c, &r) && !cursor_left(&c))
		ret = (struct cfi_place){ CFI_AT_REG, r.reg, r.off };
	return ret;
}
