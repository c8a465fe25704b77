/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unwind rows from the code itself, for functions that no unwind information
 * covers: an x86-64 instruction decoder, and what a function's instructions do
 * to the stack pointer and to rbp.
 *
 * Takes bytes, gives rules; knows no files. The bytes may be anything: work and
 * memory are bounded by their number. Any thread; a struct code_flow is of one.
 */
#ifndef RINGPROF_UNWIND_CODE_H
#define RINGPROF_UNWIND_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODE_MAX_INSN	  15	     /* bytes */
#define CODE_MAX_FUNCTION (1U << 20) /* bytes of a function that is looked at */

/* numbers as instructions have them, not DWARF's */
enum { CODE_AX, CODE_CX, CODE_DX, CODE_BX, CODE_SP, CODE_BP, CODE_SI, CODE_DI, CODE_REGS = 16 };

enum code_map { CODE_MAP_1, CODE_MAP_0F, CODE_MAP_38, CODE_MAP_3A, CODE_MAP_OTHER };

/* where an instruction leads */
enum code_flow_kind {
	CODE_NEXT,	    /* to the next one alone */
	CODE_CALL,	    /* also `target`, if that is known */
	CODE_JUMP,	    /* to `target` */
	CODE_BRANCH,	    /* to `target` or the next one */
	CODE_JUMP_INDIRECT, /* anywhere */
	CODE_RET,
	CODE_STOP, /* nowhere: traps */
};

struct code_insn {
	uint8_t len;
	uint8_t map, op; /* enum code_map */
	uint8_t rex;	 /* its low bits W R X B; of VEX and EVEX too */
	uint8_t prefix;	 /* the last of 0x66, 0xf2, 0xf3, or of VEX's; 0: none */
	bool opsize;	 /* 0x66 was there */
	bool notrack;	 /* 0x3e was: of jumps, that they are by a table */
	bool vex, evex, has_modrm, has_sib;
	uint8_t vvvv; /* VEX's third register */
	uint8_t mod, reg, rm;
	uint8_t base, index; /* of memory; CODE_REGS: none */
	bool rip;	     /* memory relative to the next instruction */
	int32_t disp;
	int64_t imm;
	uint8_t flow; /* enum code_flow_kind */
};

/*
 * The instruction at p, of `left` bytes. Its length; 0: none that 64-bit mode
 * has, or one that is cut off.
 */
size_t code_decode(const uint8_t *p, size_t left, struct code_insn *ret);
/* Bits of the general registers that it writes, rsp's moves by push, pop, call and ret apart. */
uint32_t code_writes(const struct code_insn *i);
/* What stands between functions and before loops: any nop, int3. */
bool code_is_padding(const struct code_insn *i, const uint8_t *p);
/* Of a jump, branch or call with a known one, from the instruction's place. */
int64_t code_target(const struct code_insn *i, int64_t at);
bool code_has_target(const struct code_insn *i);

/* The register that the opcode's low bits name, where they do. */
static inline uint8_t code_opcode_reg(const struct code_insn *i)
{
	return (uint8_t)((i->op & 7) | (i->rex & 1) << 3);
}

/* Registers in terms of the CFA of the function they are seen in. */
#define CODE_UNKNOWN INT32_MAX	     /* anything */
#define CODE_CALLERS (INT32_MAX - 1) /* what rbp was when the function was called */
#define CODE_ALIGNED (1 << 28)	     /* rsp once it was rounded down, by an amount nobody knows */

struct code_state {
	int32_t reg[CODE_REGS]; /* CFA + this; from CODE_ALIGNED down: the aligned rsp + this */
	int32_t bp_slot;	/* the caller's rbp is saved at CFA + this; 0: nowhere */
	int32_t cfa_slot;	/* and the CFA itself, in an aligned frame; 0: nowhere */
	uint8_t equal;		/* the last instruction compared rsp with this; CODE_REGS: no */
	bool popped;		/* the return address was, as no function's own code does */
};

/* At a function's first instruction. */
void code_state_entry(struct code_state *s);
void code_state_apply(struct code_state *s, const struct code_insn *i);
/* At the next instruction behind a branch that is taken when two values differ. */
void code_state_equal(struct code_state *s);
/* What holds in both; true: *s has changed. */
bool code_state_meet(struct code_state *s, const struct code_state *other);
/* The row's rule, RINGPROF_CFA_GAP where nothing is known. */
uint32_t code_state_rule(const struct code_state *s);

/* An edge from one function into another, and what is known there. */
struct code_edge {
	int64_t target; /* from the function's first byte */
	int32_t sp, bp, bp_slot, cfa_slot;
};

struct code_function {
	uint64_t start; /* the first byte's address: what is aligned */
	const uint8_t *code;
	uint32_t len;
	const struct code_edge *entries; /* edges of others that lead in here */
	uint32_t n_entries;
	bool part;  /* of another function: it has no entry but those */
	bool sized; /* the end is a fact, not the next one's beginning */
	/*
	 * The rule from an offset on, ascending (NULL: edges alone are of interest);
	 * and edges that leave (NULL: of no interest). 0, or -errno ends it.
	 */
	int (*put)(void *arg, uint32_t off, uint32_t rule);
	int (*leave)(void *arg, const struct code_edge *edge);
	/* Before each way through, the first too: edges that were told are void. NULL: no matter. */
	void (*again)(void *arg);
	/*
	 * Is it a function of its own that target is in? For code that has to prove to be one: a
	 * jump anywhere else is no way back to a caller. NULL: each is.
	 */
	bool (*is_function)(void *arg, int64_t target);
	void *arg;
};

struct code_result {
	uint32_t returns; /* ways out that leave the stack as a return does */
	uint32_t claimed; /* bytes that got a rule */
	uint32_t conflicts;
	bool popped;   /* on some way the return address is popped */
	uint64_t work; /* instructions looked at */
};

struct code_flow; /* memory for one function after the other */

struct code_flow *code_flow_new(void); /* NULL: no memory */
void code_flow_free(struct code_flow *w);
/*
 * Rules for what can be told of the function; GAP rules where nothing can.
 * 0; -EINVAL: it contradicts itself or is too large, nothing was put; -ENOMEM;
 * what put gave.
 */
int code_function(struct code_flow *w, const struct code_function *f, struct code_result *ret);

#endif
