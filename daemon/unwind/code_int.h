/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A function while it is looked at: its bytes, its blocks, what is known at
 * their beginnings. Shared by code_flow.c, which goes along edges, and
 * code_function.c, which says from where.
 */
#ifndef RINGPROF_UNWIND_CODE_INT_H
#define RINGPROF_UNWIND_CODE_INT_H

#include "unwind/code.h"

/* of a byte of the function */
#define SEEN	  0x10 /* an instruction that is reached begins here; its length below */
#define LEN	  0x0f
#define NO_RETURN 0x20 /* a call that does not come back */
#define NO_TABLE  0x40 /* no jump by a table leads here */
#define NO_ENTRY  0x80 /* what others say of this place is not so */

/* by how sure they are */
enum edge {
	EDGE_TABLE,
	EDGE_CALLED,  /* behind a call */
	EDGE_FOREIGN, /* by another function */
	EDGE_OWN,
};

struct block {
	uint32_t off;
	uint32_t call; /* the offset of the call that it is behind, if one is */
	enum edge by;  /* the surest that leads here */
	bool queued;
	struct code_state state;
};

struct code_flow {
	/* per byte: flags, and 1 + the block that it is in */
	uint8_t *flags;
	uint32_t *block_of;
	size_t cap_flags, cap_block_of;
	struct block *blocks;
	size_t n_blocks, cap_blocks;
	uint32_t *queue;
	size_t n_queue, cap_queue;
	/* the function at hand */
	const struct code_function *f;
	struct code_state table; /* at jumps by tables, of n_tables */
	uint32_t n_tables;
	bool framed; /* there is code that has moved the stack */
	bool bare;   /* a jump was taken for a table because there is none */
	bool again;  /* something was learnt that the way up to here did not know */
	uint8_t sum; /* the register that the instruction before has added to; CODE_REGS: none */
	uint64_t work, max_work;
	struct code_result result;
};

/*
 * An edge to the place off of the function: a block begins there, or what is
 * known there gets less. call: of EDGE_CALLED, where that is. 0 or -ENOMEM.
 */
int code_go(struct code_flow *w, uint32_t off, const struct code_state *s, enum edge edge,
	    uint32_t call);
/* Goes on until nothing changes, or w->again. 0, -EINVAL the function is not one, -errno. */
int code_run(struct code_flow *w);
/* The block that begins there; NULL: none. */
struct block *code_block_at(struct code_flow *w, uint32_t off);
/* Does the call there come back, as far as is known? */
bool code_comes_back(const struct code_flow *w, uint32_t off);
/* Behind a branch that is not taken. */
void code_pass_branch(struct code_state *s, const struct code_insn *i);

#endif
