// SPDX-License-Identifier: GPL-2.0
/*
 * What one instruction does to what is known of the registers. Whatever is not
 * understood makes the registers that it writes unknown: nothing is guessed.
 */
#include "unwind/code.h"

#include "ringprof/row.h"

/*
 * Which registers an instruction writes, as far as state_apply does not deal
 * with them itself:
 *   .  none           R M  by reg, by r/m       r m  the same, of one byte
 *   X  both           x    both, of one byte
 *   L l  by the opcode's low bits, of one byte; A  rax, also what the opcode names
 *   a  rax            d  rax and rdx            s  rax, rcx, rsi, rdi
 *   c  rcx            g G  unary groups f6 and f7, f the incs of fe and ff
 *   i  ALU by number: not where that is cmp     u  ditto, of one byte
 *   D  what cpuid, syscall and xgetbv write     C  the same and r/m
 *   K k  rax and r/m; S  rsp
 */
static const char writes_1[] = "mMrRaa..mMrRaa.." /* 00 */
			       "mMrRaa..mMrRaa.." /* 10 */
			       "mMrRaa..mMrRaa.." /* 20 */
			       "mMrRaa.........." /* 30 */
			       "................" /* 40 */
			       "................" /* 50 */
			       "...R.....R.Rssss" /* 60 */
			       "................" /* 70 */
			       "uiui..xXmMrRMR.M" /* 80 */
			       "AAAAAAAAad.....a" /* 90 */
			       "aa..ssss..ssssss" /* a0 */
			       "llllllllLLLLLLLL" /* b0 */
			       "mM....mM........" /* c0 */
			       "mMmM...a.......a" /* d0 */
			       "ccc.aa......aa.." /* e0 */
			       "......gG......ff" /* f0 */;
static const char writes_0f[] = "MDRR.C.........." /* 00 */
				"................" /* 10 */
				"MM.............." /* 20 */
				"CCCCC.CC........" /* 30 */
				"RRRRRRRRRRRRRRRR" /* 40 */
				"................" /* 50 */
				"................" /* 60 */
				"........M......." /* 70 */
				"................" /* 80 */
				"mmmmmmmmmmmmmmmm" /* 90 */
				"SSC.MM..SS.MMM.R" /* a0 */
				"kKRMRRRRR.iMRRRR" /* b0 */
				"xX.....CLLLLLLLL" /* c0 */
				"................" /* d0 */
				"................" /* e0 */
				"................" /* f0 */;

#define BIT(n)	(1U << (n))
#define RAX_RDX (BIT(CODE_AX) | BIT(CODE_DX))
#define STRING	(BIT(CODE_AX) | BIT(CODE_CX) | BIT(CODE_SI) | BIT(CODE_DI))
#define CPUID	(RAX_RDX | BIT(CODE_CX) | BIT(CODE_BX) | BIT(11))
/* what a function called may leave changed */
#define CALL_WRITES (RAX_RDX | BIT(CODE_CX) | BIT(CODE_SI) | BIT(CODE_DI) | 0xf00U)

/* Without REX numbers 4 to 7 of byte registers are the second bytes of the first four. */
static uint32_t byte_reg(const struct code_insn *i, uint8_t n)
{
	return BIT(!i->rex && n >= 4 ? n & 3 : n);
}

static uint32_t by_rm(const struct code_insn *i)
{
	return i->mod == 3 ? BIT(i->rm) : 0;
}

static uint32_t by_rm_byte(const struct code_insn *i)
{
	return i->mod == 3 ? byte_reg(i, i->rm) : 0;
}

static uint8_t by_opcode(const struct code_insn *i)
{
	return (uint8_t)((i->op & 7) | (i->rex & 1) << 3);
}

/* not, neg write r/m; mul, div rax and rdx; test nothing */
static uint32_t unary(const struct code_insn *i)
{
	uint8_t n = i->reg & 7;

	if (n >= 4)
		return RAX_RDX;
	if (n < 2)
		return 0;
	return i->op == 0xf6 ? by_rm_byte(i) : by_rm(i);
}

static uint32_t of_letter(const struct code_insn *i, char letter)
{
	uint8_t n = i->reg & 7;

	switch (letter) {
	case 'R':
		return BIT(i->reg);
	case 'r':
		return byte_reg(i, i->reg);
	case 'M':
		return by_rm(i);
	case 'm':
		return by_rm_byte(i);
	case 'X':
		return by_rm(i) | BIT(i->reg) | BIT(CODE_AX);
	case 'x':
		return by_rm_byte(i) | byte_reg(i, i->reg) | BIT(CODE_AX);
	case 'L':
		return BIT(by_opcode(i));
	case 'l':
		return byte_reg(i, by_opcode(i));
	case 'A':
		return by_opcode(i) ? BIT(by_opcode(i)) | BIT(CODE_AX) : 0;
	case 'a':
		return BIT(CODE_AX);
	case 'd':
		return RAX_RDX;
	case 's':
		return STRING;
	case 'c':
		return BIT(CODE_CX);
	case 'C':
		return CPUID | by_rm(i);
	case 'D':
		return CPUID;
	case 'K':
		return BIT(CODE_AX) | by_rm(i);
	case 'k':
		return BIT(CODE_AX) | by_rm_byte(i);
	case 'S':
		return BIT(CODE_SP);
	case 'g':
	case 'G':
		return unary(i);
	case 'f':
		return n < 2 ? (i->op == 0xfe ? by_rm_byte(i) : by_rm(i)) : 0;
	case 'i':
		return i->map == CODE_MAP_0F && n == 4	? 0 /* bt */
		       : i->map == CODE_MAP_1 && n == 7 ? 0
							: by_rm(i);
	case 'u':
		return n == 7 ? 0 : by_rm_byte(i);
	default:
		return 0;
	}
}

/* Vector instructions of the old encoding with a general register as their result. */
static uint32_t sse_writes(const struct code_insn *i)
{
	switch (i->op) {
	case 0x2c: /* conversions, of scalars */
	case 0x2d:
		return i->prefix == 0xf2 || i->prefix == 0xf3 ? BIT(i->reg) : 0;
	case 0x50:
	case 0xc5:
	case 0xd7:
		return BIT(i->reg);
	case 0x7e:
		return i->prefix == 0xf3 ? 0 : by_rm(i);
	case 0xae: /* rdfsbase, rdgsbase */
		return i->prefix == 0xf3 ? by_rm(i) : 0;
	default:
		return 0;
	}
}

static uint32_t vex_writes_0f(const struct code_insn *i)
{
	bool scalar = i->prefix == 0xf2 || i->prefix == 0xf3;

	switch (i->op) {
	case 0x2c:
	case 0x2d:
	case 0x78:
	case 0x79:
		return scalar ? BIT(i->reg) : 0;
	case 0x50:
	case 0x93:
	case 0xc5:
	case 0xd7:
		return BIT(i->reg);
	case 0x7e:
		return i->prefix == 0xf3 ? 0 : by_rm(i);
	default:
		return 0;
	}
}

/* 0f38 and 0f3a, in either encoding */
static uint32_t high_writes(const struct code_insn *i)
{
	if (i->map == CODE_MAP_38) {
		if (i->evex || i->op < 0xf0 || i->op > 0xf7)
			return 0;
		/* crc32, movbe, adcx; andn, blsr, bzhi, pdep, mulx, shlx */
		return BIT(i->reg) | (i->vex ? BIT(i->vvvv) : 0);
	}
	if (i->op >= 0x14 && i->op <= 0x17)
		return by_rm(i);
	if (i->op >= 0x60 && i->op <= 0x63)
		return BIT(CODE_CX);
	return i->op == 0xf0 ? BIT(i->reg) : 0;
}

/* EVEX: moves and conversions of half floats; XOP's bit groups */
static uint32_t other_writes(const struct code_insn *i)
{
	if (i->evex)
		return vex_writes_0f(i);
	return i->op <= 0x12 ? BIT(i->reg) | by_rm(i) | BIT(i->vvvv) : 0;
}

uint32_t code_writes(const struct code_insn *i)
{
	switch (i->map) {
	case CODE_MAP_1:
		return of_letter(i, writes_1[i->op]);
	case CODE_MAP_0F:
		if (i->vex)
			return vex_writes_0f(i);
		return of_letter(i, writes_0f[i->op]) | sse_writes(i);
	case CODE_MAP_38:
	case CODE_MAP_3A:
		return high_writes(i);
	default:
		return other_writes(i);
	}
}

void code_state_entry(struct code_state *s)
{
	for (int r = 0; r < CODE_REGS; r++)
		s->reg[r] = CODE_UNKNOWN;
	s->reg[CODE_SP] = -8;
	s->reg[CODE_BP] = CODE_CALLERS;
	s->bp_slot = 0;
	s->equal = CODE_REGS;
}

static bool is_place(int32_t v)
{
	return v < CODE_CALLERS;
}

/* v + by, where v is a place and stays one near its frame. */
static int32_t moved(int32_t v, int64_t by)
{
	if (!is_place(v) || by > RINGPROF_OFF_MAX || by < RINGPROF_OFF_MIN ||
	    v + by > RINGPROF_OFF_MAX || v + by < RINGPROF_OFF_MIN)
		return CODE_UNKNOWN;
	return (int32_t)(v + by);
}

/* Moves rsp; what lay below it is no place any more, and above the return address it has no business. */
static void set_sp(struct code_state *s, int32_t sp)
{
	if (is_place(sp) && sp > -8)
		sp = CODE_UNKNOWN;
	if (is_place(sp) && sp > s->bp_slot && (!is_place(s->reg[CODE_SP]) || sp > s->reg[CODE_SP]))
		s->bp_slot = 0;
	s->reg[CODE_SP] = sp;
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
	if (!is_place(place) || place > -16)
		return;
	if (value == CODE_CALLERS && !s->bp_slot)
		s->bp_slot = place;
	else if (value != CODE_CALLERS && place == s->bp_slot)
		s->bp_slot = 0;
}

static int32_t loaded(const struct code_state *s, int32_t place)
{
	return is_place(place) && s->bp_slot && place == s->bp_slot ? CODE_CALLERS : CODE_UNKNOWN;
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
	if (is_place(s->reg[CODE_SP]))
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
		push(s, s->reg[by_opcode(i)]);
	else
		push(s, i->op == 0xff && i->mod == 3 ? s->reg[i->rm] : CODE_UNKNOWN);
}

static void apply_pop(struct code_state *s, const struct code_insn *i)
{
	if (i->opsize)
		set_sp(s, CODE_UNKNOWN);
	else if ((i->op & 0xf8) == 0x58)
		pop(s, by_opcode(i));
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

/* mov, lea, add, sub of all 8 bytes; false: another one */
static bool apply_move(struct code_state *s, const struct code_insn *i)
{
	int sign = adds(i);

	if (sign) {
		set_reg(s, i->rm, moved(s->reg[i->rm], sign * i->imm));
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
	if (s->equal < CODE_REGS && is_place(s->reg[s->equal]) && !is_place(s->reg[CODE_SP]))
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
	s->equal = CODE_REGS;
	return changed;
}

/* The rule's rbp half */
static uint32_t bp_kind(const struct code_state *s, int32_t *off)
{
	*off = 0;
	if (s->bp_slot && !(s->bp_slot & 7) && s->bp_slot >= RINGPROF_BPOFF_MIN) {
		*off = s->bp_slot / 8;
		return RINGPROF_BP_AT_CFA;
	}
	return s->reg[CODE_BP] == CODE_CALLERS ? RINGPROF_BP_SAME : RINGPROF_BP_UNKNOWN;
}

/* DWARF's numbers of the first eight */
static const uint8_t dwarf_number[] = { 0, 2, 1, 3, 7, 6, 4, 5 };

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
