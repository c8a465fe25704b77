// SPDX-License-Identifier: GPL-2.0
/*
 * x86-64 instructions: how long they are and what of the operands is needed to
 * follow the stack. A table of the bytes that follow each opcode, one for each
 * of the two large maps; the others are regular. Pure functions.
 */
#include <string.h>

#include "unwind/code.h"

/*
 * What follows the opcode:
 *   .  nothing          m  ModRM            b w  a number of 1, 2 bytes
 *   z  4 bytes (2 by 0x66)                  v  as z, 8 by REX.W
 *   B  ModRM, 1 byte    Z  ModRM, z         o  an address
 *   j J  distance of 1, 4 bytes             e  enter's 3 bytes
 *   g G  ModRM, and 1 byte or z where that says test
 *   p  a prefix         r  REX              2 3 4  another map
 *   V  VEX, EVEX        X  pop, or XOP      x  no instruction
 */
static const char bytes_1[] = "mmmmbzxxmmmmbzx2" /* 00 */
			      "mmmmbzxxmmmmbzxx" /* 10 */
			      "mmmmbzpxmmmmbzpx" /* 20 */
			      "mmmmbzpxmmmmbzpx" /* 30 */
			      "rrrrrrrrrrrrrrrr" /* 40 */
			      "................" /* 50 */
			      "xxVmppppzZbB...." /* 60 */
			      "jjjjjjjjjjjjjjjj" /* 70 */
			      "BZxBmmmmmmmmmmmX" /* 80 */
			      "..........x....." /* 90 */
			      "oooo....bz......" /* a0 */
			      "bbbbbbbbvvvvvvvv" /* b0 */
			      "BBw.VVBZe.w..bx." /* c0 */
			      "mmmmxxx.mmmmmmmm" /* d0 */
			      "jjjjbbbbJJxj...." /* e0 */
			      "p.pp..gG......mm" /* f0 */;
static const char bytes_0f[] = "mmmmx.....x.xm.B" /* 00 */
			       "mmmmmmmmmmmmmmmm" /* 10 */
			       "mmmmxxxxmmmmmmmm" /* 20 */
			       "......x.3x4xxxxx" /* 30 */
			       "mmmmmmmmmmmmmmmm" /* 40 */
			       "mmmmmmmmmmmmmmmm" /* 50 */
			       "mmmmmmmmmmmmmmmm" /* 60 */
			       "BBBBmmm.mmxxmmmm" /* 70 */
			       "JJJJJJJJJJJJJJJJ" /* 80 */
			       "mmmmmmmmmmmmmmmm" /* 90 */
			       "...mBmxx...mBmmm" /* a0 */
			       "mmmmmmmmmmBmmmmm" /* b0 */
			       "mmBmBBBm........" /* c0 */
			       "mmmmmmmmmmmmmmmm" /* d0 */
			       "mmmmmmmmmmmmmmmm" /* e0 */
			       "mmmmmmmmmmmmmmmm" /* f0 */;

struct reader {
	const uint8_t *p;
	size_t at, left; /* of at most CODE_MAX_INSN bytes */
	bool bad;
};

static uint8_t peek(const struct reader *r)
{
	return r->at < r->left ? r->p[r->at] : 0;
}

static uint8_t take(struct reader *r)
{
	if (r->at >= r->left) {
		r->bad = true;
		return 0;
	}
	return r->p[r->at++];
}

/* n bytes as a number with sign */
static int64_t take_number(struct reader *r, size_t n)
{
	uint64_t v = 0;

	if (!n)
		return 0;
	if (n > r->left - r->at) {
		r->bad = true;
		return 0;
	}
	memcpy(&v, r->p + r->at, n);
	r->at += n;
	v <<= 64 - 8 * n;
	return (int64_t)v >> (64 - 8 * n);
}

static void take_sib(struct reader *r, struct code_insn *i)
{
	uint8_t sib = take(r);
	uint8_t index = (uint8_t)((sib >> 3 & 7) | (i->rex & 2) << 2);

	i->has_sib = true;
	i->base = (uint8_t)((sib & 7) | (i->rex & 1) << 3);
	i->index = index == CODE_SP ? CODE_REGS : index;
	if (i->mod == 0 && (sib & 7) == CODE_BP) {
		i->base = CODE_REGS;
		i->disp = (int32_t)take_number(r, 4);
	}
}

static void take_modrm(struct reader *r, struct code_insn *i)
{
	uint8_t modrm = take(r), rm = modrm & 7;

	i->has_modrm = true;
	i->mod = modrm >> 6;
	i->reg = (uint8_t)((modrm >> 3 & 7) | (i->rex & 4) << 1);
	i->rm = (uint8_t)(rm | (i->rex & 1) << 3);
	if (i->mod == 3)
		return;
	i->base = i->rm;
	if (rm == CODE_SP) {
		take_sib(r, i);
	} else if (i->mod == 0 && rm == CODE_BP) {
		i->base = CODE_REGS;
		i->rip = true;
		i->disp = (int32_t)take_number(r, 4);
	}
	if (i->mod == 1)
		i->disp = (int32_t)take_number(r, 1);
	else if (i->mod == 2)
		i->disp = (int32_t)take_number(r, 4);
}

static size_t size_z(const struct code_insn *i)
{
	return i->opsize && !(i->rex & 8) ? 2 : 4;
}

static bool has_modrm(char form)
{
	return form == 'm' || form == 'B' || form == 'Z' || form == 'g' || form == 'G';
}

static void take_rest(struct reader *r, struct code_insn *i, char form, bool addr32)
{
	if (has_modrm(form))
		take_modrm(r, i);
	switch (form) {
	case '.':
	case 'm':
		break;
	case 'b':
	case 'B':
	case 'j':
		i->imm = take_number(r, 1);
		break;
	case 'w':
		i->imm = take_number(r, 2);
		break;
	case 'z':
	case 'Z':
		i->imm = take_number(r, size_z(i));
		break;
	case 'v':
		i->imm = take_number(r, i->rex & 8 ? 8 : size_z(i));
		break;
	case 'o':
		i->imm = take_number(r, addr32 ? 4 : 8);
		break;
	case 'J': /* 0x66 makes no difference to Intel's */
		i->imm = take_number(r, 4);
		break;
	case 'e':
		take_number(r, 3);
		break;
	case 'g':
	case 'G':
		if ((i->reg & 7) < 2)
			i->imm = take_number(r, form == 'g' ? 1 : size_z(i));
		break;
	default:
		r->bad = true;
	}
}

/* By VEX's and EVEX's number of a map */
static uint8_t map_of(uint8_t number)
{
	return number >= 1 && number <= 3 ? number : CODE_MAP_OTHER;
}

/* What the maps hold in VEX form: as in the old one, where it has operands. */
static char vex_form(const struct code_insn *i)
{
	char form;

	if (i->map == CODE_MAP_3A)
		return 'B';
	if (i->map != CODE_MAP_0F)
		return 'm';
	form = bytes_0f[i->op];
	/* vcvtps2qq, vcvtudq2pd and others */
	if (i->evex && (i->op == 0x7a || i->op == 0x7b))
		return 'm';
	return form == 'm' || form == 'B' || i->op == 0x77 ? form : 'x';
}

static void take_vex(struct reader *r, struct code_insn *i, uint8_t first)
{
	static const uint8_t prefix[] = { 0, 0x66, 0xf3, 0xf2 };
	uint8_t a = take(r), b;

	i->vex = true;
	i->rex = a & 0x80 ? 0 : 4;
	i->map = CODE_MAP_0F;
	b = a;
	if (first == 0xc4 || first == 0x62) {
		i->rex = ~a >> 5 & 7;
		i->map = map_of(a & (first == 0xc4 ? 0x1f : 7));
		b = take(r);
		i->rex |= b & 0x80 ? 8 : 0;
	}
	i->vvvv = ~b >> 3 & 15;
	i->prefix = prefix[b & 3];
	if (first == 0x62) {
		i->evex = true;
		/* map 4 is APX's: moves, adds and pushes of general registers */
		if ((a & 8) || !(b & 4) || !(a & 7) || (a & 7) == 4 || (a & 7) > 6)
			r->bad = true;
		take(r);
	} else if (i->map == CODE_MAP_OTHER) {
		r->bad = true;
	}
	i->op = take(r);
	take_rest(r, i, r->bad ? 'x' : vex_form(i), false);
}

/* AMD's XOP: maps 8 (a byte follows), 9, 10 (4 bytes follow). */
static void take_xop(struct reader *r, struct code_insn *i)
{
	uint8_t a = take(r), map = a & 0x1f, b = take(r);

	i->vex = true;
	i->map = CODE_MAP_OTHER;
	i->rex = (~a >> 5 & 7) | (b & 0x80 ? 8 : 0);
	i->vvvv = ~b >> 3 & 15;
	i->op = take(r);
	take_modrm(r, i);
	if (map > 10)
		r->bad = true;
	i->imm = take_number(r, map == 8 ? 1 : map == 10 ? 4 : 0);
}

static void take_0f(struct reader *r, struct code_insn *i)
{
	char form;

	i->op = take(r);
	i->map = CODE_MAP_0F;
	form = bytes_0f[i->op];
	if (form == '3' || form == '4') {
		i->map = form == '3' ? CODE_MAP_38 : CODE_MAP_3A;
		i->op = take(r);
		form = i->map == CODE_MAP_38 ? 'm' : 'B';
	}
	take_rest(r, i, form, false);
}

/* Prefixes; gives the first byte of the opcode. */
static uint8_t take_prefixes(struct reader *r, struct code_insn *i, bool *addr32)
{
	for (;;) {
		uint8_t c = take(r);
		char form = bytes_1[c];

		if (form == 'r' && bytes_1[peek(r)] != 'p' && bytes_1[peek(r)] != 'r') {
			i->rex = c & 15;
			i->rex |= 16; /* there is one: byte registers are others by that */
			return take(r);
		}
		/* one that something else follows than an opcode has no effect */
		if (r->bad || (form != 'p' && form != 'r'))
			return c;
		*addr32 |= c == 0x67;
		i->opsize |= c == 0x66;
		i->notrack |= c == 0x3e;
		if (c == 0xf2 || c == 0xf3 || (c == 0x66 && !i->prefix))
			i->prefix = c;
	}
}

static uint8_t flow_of_group5(const struct code_insn *i)
{
	switch (i->reg & 7) {
	case 2:
		return CODE_CALL;
	case 4:
		return CODE_JUMP_INDIRECT;
	case 3: /* to other segments */
	case 5:
		return CODE_STOP;
	default:
		return CODE_NEXT;
	}
}

static uint8_t flow_of(const struct code_insn *i)
{
	if (i->vex)
		return CODE_NEXT;
	if (i->map == CODE_MAP_0F) {
		if ((i->op & 0xf0) == 0x80)
			return CODE_BRANCH;
		return i->op == 0x0b || i->op == 0xff || i->op == 0xb9 ? CODE_STOP : CODE_NEXT;
	}
	if (i->map != CODE_MAP_1)
		return CODE_NEXT;
	if ((i->op & 0xf0) == 0x70 || (i->op & 0xfc) == 0xe0)
		return CODE_BRANCH;
	switch (i->op) {
	case 0xe8:
		return CODE_CALL;
	case 0xe9:
	case 0xeb:
		return CODE_JUMP;
	case 0xc2:
	case 0xc3:
		return CODE_RET;
	case 0xca: /* far returns, int3, hlt */
	case 0xcb:
	case 0xcc:
	case 0xcf:
	case 0xf4:
		return CODE_STOP;
	case 0xc7: /* xbegin */
		return i->mod == 3 && i->reg == 7 && !i->rm ? CODE_BRANCH : CODE_NEXT;
	case 0xff:
		return flow_of_group5(i);
	default:
		return CODE_NEXT;
	}
}

size_t code_decode(const uint8_t *p, size_t left, struct code_insn *i)
{
	struct reader r = { p, 0, left < CODE_MAX_INSN ? left : CODE_MAX_INSN, false };
	bool addr32 = false;
	uint8_t c;

	memset(i, 0, sizeof(*i));
	i->base = i->index = CODE_REGS;
	c = take_prefixes(&r, i, &addr32);
	i->op = c;
	switch (bytes_1[c]) {
	case '2':
		take_0f(&r, i);
		break;
	case 'V':
		if (i->rex)
			r.bad = true;
		else
			take_vex(&r, i, c);
		break;
	case 'X':
		if ((peek(&r) & 0x1f) >= 8)
			take_xop(&r, i);
		else
			take_rest(&r, i, 'm', addr32);
		break;
	default:
		take_rest(&r, i, bytes_1[c], addr32);
	}
	if (r.bad)
		return 0;
	i->len = (uint8_t)r.at;
	i->flow = flow_of(i);
	return i->len;
}

bool code_has_target(const struct code_insn *i)
{
	return i->flow == CODE_BRANCH || i->flow == CODE_JUMP ||
	       (i->flow == CODE_CALL && i->op == 0xe8);
}

int64_t code_target(const struct code_insn *i, int64_t at)
{
	return at + i->len + i->imm;
}

bool code_is_padding(const struct code_insn *i, const uint8_t *p)
{
	if (i->vex)
		return false;
	if (i->map == CODE_MAP_0F) /* also endbr64, which is no padding */
		return i->op == 0x1f;
	if (i->map != CODE_MAP_1)
		return false;
	if (i->op == 0x90)
		return !(i->rex & 1);
	/* xchg %ax,%ax apart: lea 0(%rsi),%rsi and mov %rsi,%rsi of old assemblers */
	if (i->op == 0x8d)
		return i->mod != 3 && i->base == i->reg && i->index == CODE_REGS && !i->disp &&
		       i->base != CODE_SP;
	return p[0] == 0xcc;
}
