// SPDX-License-Identifier: GPL-2.0
/*
 * What one instruction does to what is known of the registers. Whatever is not
 * understood makes the registers that it writes unknown: nothing is guessed.
 */
#include "unwind/code.h"

#include "ringprof/row.h"

#define BIT(n) (1U << (n))
/* what a function called may leave changed: rax, rcx, rdx, rsi, rdi, r8 to r11 */
#define CALL_WRITES \
	(BIT(CODE_AX) | BIT(CODE_CX) | BIT(CODE_DX) | BIT(CODE_SI) | BIT(CODE_DI) | 0xf00U)

void code_state_entry(struct code_state *s)
{
	for (int r = 0; r < CODE_REGS; r++)
		s->reg[r] = CODE_UNKNOWN;
	s->reg[CODE_SP] = -8;
	s->reg[CODE_BP] = CODE_CALLERS;
	s->bp_slot = 0;
	s->cfa_slot = 0;
	s->equal = CODE_REGS;
	s->popped = false;
}

/* Known in terms of the CFA. */
static bool is_place(int32_t v)
{
	return v <= RINGPROF_OFF_MAX;
}

static bool is_aligned(int32_t v)
{
	return !is_place(v) && v < CODE_CALLERS;
}

/* v + by, where v is a place and stays one near its frame. */
static int32_t moved(int32_t v, int64_t by)
{
	int32_t base = is_aligned(v) ? CODE_ALIGNED : 0;
	int64_t to = (int64_t)v - base + by;

	if (v >= CODE_CALLERS || by > RINGPROF_OFF_MAX || by < RINGPROF_OFF_MIN ||
	    to > RINGPROF_OFF_MAX || to < RINGPROF_OFF_MIN)
		return CODE_UNKNOWN;
	return (int32_t)(base + to);
}

/*
 * Moves rsp up to and no further than the return address, or where it was
 * aligned. What lies below is no place any more.
 */
static void set_sp(struct code_state *s, int32_t sp)
{
	int32_t old = s->reg[CODE_SP];

	s->popped |= is_place(sp) && sp > -8;
	if ((is_place(sp) && sp > -8) || (is_aligned(sp) && sp > CODE_ALIGNED))
		sp = CODE_UNKNOWN;
	s->reg[CODE_SP] = sp;
	if (is_place(sp) && is_aligned(s->bp_slot))
		s->bp_slot = 0;
	if (is_place(sp))
		s->cfa_slot = 0;
	else if (!is_aligned(sp))
		return;
	if (is_place(sp) != is_place(s->bp_slot) || sp <= s->bp_slot)
		return;
	if (is_place(sp) != is_place(old) || sp > old)
		s->bp_slot = 0;
}

static void set_reg(struct code_state *s, uint8_t r, int32_t v)
{
	if (r == CODE_SP)
		set_sp(s, v);
	else
		s->reg[r] = v;
}

static void stored(struct code_state *s, int32_t place, int32_t value)
{
	if (is_place(place) ? place > -16 : !is_aligned(place))
		return;
	if (value == CODE_CALLERS && !s->bp_slot)
		s->bp_slot = place;
	else if (value != CODE_CALLERS && place == s->bp_slot)
		s->bp_slot = 0;
	if (value == 0 && is_aligned(place) && !s->cfa_slot)
		s->cfa_slot = place;
	else if (value != 0 && place == s->cfa_slot)
		s->cfa_slot = 0;
}

static int32_t loaded(const struct code_state *s, int32_t place)
{
	if (s->bp_slot && place == s->bp_slot)
		return CODE_CALLERS;
	return s->cfa_slot && place == s->cfa_slot ? 0 : CODE_UNKNOWN;
}

/* The place of a memory operand. */
static int32_t address(const struct code_state *s, const struct code_insn *i)
{
	if (i->base == CODE_REGS || i->index != CODE_REGS)
		return CODE_UNKNOWN;
	return moved(s->reg[i->base], i->disp);
}

static void push(struct code_state *s, int32_t value)
{
	set_sp(s, moved(s->reg[CODE_SP], -8));
	stored(s, s->reg[CODE_SP], value);
}

/* r CODE_REGS: to memory */
static void pop(struct code_state *s, uint8_t r)
{
	int32_t sp = s->reg[CODE_SP], value = loaded(s, sp);

	if (r == CODE_SP) {
		s->reg[CODE_SP] = CODE_UNKNOWN;
		return;
	}
	if (r < CODE_REGS)
		s->reg[r] = value;
	set_sp(s, moved(sp, 8));
}

static void leave(struct code_state *s)
{
	set_sp(s, s->reg[CODE_BP] == CODE_CALLERS ? CODE_UNKNOWN : s->reg[CODE_BP]);
	if (s->reg[CODE_SP] != CODE_UNKNOWN)
		pop(s, CODE_BP);
	else
		s->reg[CODE_BP] = CODE_UNKNOWN;
}

static bool is_push(const struct code_insn *i)
{
	return (i->op & 0xf8) == 0x50 || i->op == 0x68 || i->op == 0x6a || i->op == 0x9c ||
	       (i->op == 0xff && (i->reg & 7) == 6);
}

static bool is_pop(const struct code_insn *i)
{
	return (i->op & 0xf8) == 0x58 || i->op == 0x8f || i->op == 0x9d;
}

static void apply_push(struct code_state *s, const struct code_insn *i)
{
	if (i->opsize)
		set_sp(s, CODE_UNKNOWN);
	else if ((i->op & 0xf8) == 0x50)
		push(s, s->reg[code_opcode_reg(i)]);
	else
		push(s, i->op == 0xff && i->mod == 3 ? s->reg[i->rm] : CODE_UNKNOWN);
}

static void apply_pop(struct code_state *s, const struct code_insn *i)
{
	if (i->opsize)
		set_sp(s, CODE_UNKNOWN);
	else if ((i->op & 0xf8) == 0x58)
		pop(s, code_opcode_reg(i));
	else
		pop(s, i->op == 0x8f && i->mod == 3 ? i->rm : CODE_REGS);
}

/* add and sub of a number: 1; -1 sub; 0 neither */
static int adds(const struct code_insn *i)
{
	if ((i->op != 0x81 && i->op != 0x83) || i->mod != 3 || !(i->rex & 8))
		return 0;
	return (i->reg & 7) == 0 ? 1 : (i->reg & 7) == 5 ? -1 : 0;
}

/* and of rsp with a number that rounds it down; one such at a time is followed */
static bool aligns(const struct code_state *s, const struct code_insn *i)
{
	if ((i->op != 0x81 && i->op != 0x83) || i->mod != 3 || !(i->rex & 8) || (i->reg & 7) != 4 ||
	    i->rm != CODE_SP || i->imm > -8 || (-i->imm & (-i->imm - 1)))
		return false;
	for (int r = 0; r < CODE_REGS; r++)
		if (is_aligned(s->reg[r]))
			return false;
	return is_place(s->reg[CODE_SP]) && !is_aligned(s->bp_slot) && !s->cfa_slot;
}

/* mov, lea, add, sub of all 8 bytes; false: another one */
static bool apply_move(struct code_state *s, const struct code_insn *i)
{
	int sign = adds(i);

	if (sign) {
		set_reg(s, i->rm, moved(s->reg[i->rm], sign * i->imm));
		return true;
	}
	if (aligns(s, i)) {
		s->reg[CODE_SP] = CODE_ALIGNED;
		return true;
	}
	if (!(i->rex & 8))
		return false;
	switch (i->op) {
	case 0x89:
		if (i->mod == 3)
			set_reg(s, i->rm, s->reg[i->reg]);
		else
			stored(s, address(s, i), s->reg[i->reg]);
		return true;
	case 0x8b:
		set_reg(s, i->reg, i->mod == 3 ? s->reg[i->rm] : loaded(s, address(s, i)));
		return true;
	case 0x8d:
		set_reg(s, i->reg, i->mod == 3 ? CODE_UNKNOWN : address(s, i));
		return true;
	default:
		return false;
	}
}

/* cmp of rsp with another register, in either order */
static uint8_t compared(const struct code_insn *i)
{
	if ((i->op != 0x39 && i->op != 0x3b) || i->mod != 3 || !(i->rex & 8))
		return CODE_REGS;
	return i->reg == CODE_SP ? i->rm : i->rm == CODE_SP ? i->reg : CODE_REGS;
}

static void forget(struct code_state *s, uint32_t regs)
{
	for (uint8_t r = 0; r < CODE_REGS; r++)
		if (regs & BIT(r))
			set_reg(s, r, CODE_UNKNOWN);
}

void code_state_apply(struct code_state *s, const struct code_insn *i)
{
	bool plain = i->map == CODE_MAP_1 && !i->vex;

	s->equal = plain ? compared(i) : CODE_REGS;
	if (i->flow == CODE_CALL) {
		/* call of the next instruction, for its address */
		if (i->op == 0xe8 && !i->imm)
			push(s, CODE_UNKNOWN);
		else
			forget(s, CALL_WRITES);
	} else if (plain && is_push(i)) {
		apply_push(s, i);
	} else if (plain && is_pop(i)) {
		apply_pop(s, i);
	} else if (plain && i->op == 0xc9) {
		leave(s);
	} else if (plain && i->op == 0xc8) { /* enter: nobody uses it */
		forget(s, BIT(CODE_SP) | BIT(CODE_BP));
	} else if (!plain || !apply_move(s, i)) {
		forget(s, code_writes(i));
	}
}

void code_state_equal(struct code_state *s)
{
	if (s->equal < CODE_REGS && s->reg[s->equal] < CODE_CALLERS &&
	    s->reg[CODE_SP] == CODE_UNKNOWN)
		s->reg[CODE_SP] = s->reg[s->equal];
	s->equal = CODE_REGS;
}

bool code_state_meet(struct code_state *s, const struct code_state *other)
{
	bool changed = false;

	for (int r = 0; r < CODE_REGS; r++) {
		if (s->reg[r] == other->reg[r] || s->reg[r] == CODE_UNKNOWN)
			continue;
		s->reg[r] = CODE_UNKNOWN;
		changed = true;
	}
	if (s->bp_slot && s->bp_slot != other->bp_slot) {
		s->bp_slot = 0;
		changed = true;
	}
	if (s->cfa_slot && s->cfa_slot != other->cfa_slot) {
		s->cfa_slot = 0;
		changed = true;
	}
	s->equal = CODE_REGS;
	return changed;
}

/* The rule's rbp half */
static uint32_t bp_kind(const struct code_state *s, int32_t *off)
{
	*off = 0;
	if (s->bp_slot && is_place(s->bp_slot) && !(s->bp_slot & 7) &&
	    s->bp_slot >= RINGPROF_BPOFF_MIN) {
		*off = s->bp_slot / 8;
		return RINGPROF_BP_AT_CFA;
	}
	return s->reg[CODE_BP] == CODE_CALLERS ? RINGPROF_BP_SAME : RINGPROF_BP_UNKNOWN;
}

/* DWARF's numbers of the first eight */
static const uint8_t dwarf_number[] = { 0, 2, 1, 3, 7, 6, 4, 5 };

/* A frame on an aligned stack: the CFA stands in it, at a place that rbp tells. */
static uint32_t aligned_rule(const struct code_state *s)
{
	int32_t bp = s->reg[CODE_BP], off, bpoff;

	if (!is_aligned(bp) || !is_aligned(s->cfa_slot))
		return RINGPROF_CFA_GAP;
	off = s->cfa_slot - bp;
	if (off & 7 || off < RINGPROF_OFF_MIN || off > RINGPROF_OFF_MAX)
		return RINGPROF_CFA_GAP;
	bpoff = is_aligned(s->bp_slot) ? s->bp_slot - bp : INT32_MAX;
	if (bpoff & 7 || bpoff < RINGPROF_BPOFF_MIN || bpoff > RINGPROF_BPOFF_MAX)
		return ringprof_rule(RINGPROF_CFA_BP_DEREF, off / 8, RINGPROF_BP_UNKNOWN, 0);
	return ringprof_rule(RINGPROF_CFA_BP_DEREF, off / 8, RINGPROF_BP_AT_BP, bpoff / 8);
}

uint32_t code_state_rule(const struct code_state *s)
{
	int32_t off;
	uint32_t bp = bp_kind(s, &off);

	/* a frame pointer; else rbp may point at anything in the frame for a while */
	if (is_place(s->reg[CODE_BP]) && !(s->reg[CODE_BP] & 7) &&
	    (s->bp_slot == s->reg[CODE_BP] || !is_place(s->reg[CODE_SP])))
		return ringprof_rule(RINGPROF_CFA_BP, -s->reg[CODE_BP] / 8, bp, off);
	if (is_place(s->reg[CODE_SP]) && !(s->reg[CODE_SP] & 7))
		return ringprof_rule(RINGPROF_CFA_SP, -s->reg[CODE_SP] / 8, bp, off);
	if (aligned_rule(s) != RINGPROF_CFA_GAP)
		return aligned_rule(s);
	for (uint8_t r = 0; r < CODE_REGS; r++) {
		if (!is_place(s->reg[r]) || s->reg[r] & 7)
			continue;
		if (bp != RINGPROF_BP_SAME)
			bp = RINGPROF_BP_UNKNOWN;
		return ringprof_rule(RINGPROF_CFA_REG, -s->reg[r] / 8, bp,
				     r < 8 ? dwarf_number[r] : r);
	}
	return RINGPROF_CFA_GAP;
}
