// SPDX-License-Identifier: GPL-2.0
/*
 * Which general registers an instruction writes. A table for each of the two
 * large maps; one register too many costs a row, one too few would be a wrong one.
 */
#include "unwind/code.h"

/*
 * Which registers an instruction writes, as far as code_state.c does not deal
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
		return BIT(code_opcode_reg(i));
	case 'l':
		return byte_reg(i, code_opcode_reg(i));
	case 'A':
		return code_opcode_reg(i) ? BIT(code_opcode_reg(i)) | BIT(CODE_AX) : 0;
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
	case 0x1e: /* rdsspq; endbr64 is one of its neighbours */
		return i->prefix == 0xf3 && (i->reg & 7) == 1 ? by_rm(i) : 0;
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
		/* cmpccxadd */
		if (i->vex && !i->evex && (i->op & 0xf0) == 0xe0)
			return BIT(i->reg);
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
