// SPDX-License-Identifier: GPL-2.0
/*
 * Along the edges of a function: what is known of the registers flows from the
 * entry on, and where two ways meet only what both say stays. So what a block
 * begins with can only get less, and that ends; a limit of instructions looked
 * at holds all the same.
 *
 * Edges are not all equally sure. A call that does not return has no next
 * instruction: where what would come from there contradicts a jump to the same
 * place, the jump is believed, and all begins again with that known.
 */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "unwind/code_int.h"

static int queue_block(struct code_flow *w, uint32_t n)
{
	uint32_t *queue;

	if (w->blocks[n].queued)
		return 0;
	queue = array_room(w->queue, &w->cap_queue, w->n_queue + 1, sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	w->queue = queue;
	queue[w->n_queue++] = n;
	w->blocks[n].queued = true;
	return 0;
}

struct block *code_block_at(struct code_flow *w, uint32_t off)
{
	struct block *b;

	if (!w->block_of[off])
		return NULL;
	b = &w->blocks[w->block_of[off] - 1];
	return b->off == off ? b : NULL;
}

/* A block begins where none did; one that it was part of ends before it. */
static int new_block(struct code_flow *w, uint32_t off, const struct code_state *s, enum edge edge,
		     uint32_t call)
{
	struct block *blocks =
		array_room(w->blocks, &w->cap_blocks, w->n_blocks + 1, sizeof(*blocks));
	uint32_t before = w->block_of[off];
	int r = 0;

	if (!blocks)
		return -ENOMEM;
	w->blocks = blocks;
	blocks[w->n_blocks++] = (struct block){ .off = off, .call = call, .by = edge, .state = *s };
	w->block_of[off] = (uint32_t)w->n_blocks;
	if (before)
		r = queue_block(w, before - 1);
	return r ? r : queue_block(w, (uint32_t)w->n_blocks - 1);
}

/* An edge that cannot be is not gone along any more. */
static void refute(struct code_flow *w, enum edge edge, uint32_t off, uint32_t call)
{
	if (edge == EDGE_TABLE)
		w->flags[off] |= NO_TABLE;
	else if (edge == EDGE_CALLED)
		w->flags[call] |= NO_RETURN;
	else
		w->flags[off] |= NO_ENTRY;
}

/*
 * Two ways disagree about the stack: the surer one is believed. If that is the
 * later one, all begins again. false: both are equally sure.
 */
static bool is_refuted(struct code_flow *w, struct block *b, enum edge edge, uint32_t call)
{
	if (edge == b->by)
		return false;
	if (edge < b->by) {
		refute(w, edge, b->off, call);
	} else {
		refute(w, b->by, b->off, b->call);
		w->again = true;
	}
	return true;
}

static int meet_block(struct code_flow *w, struct block *b, const struct code_state *s,
		      enum edge edge, uint32_t call)
{
	int32_t sp = b->state.reg[CODE_SP];

	if (sp != s->reg[CODE_SP] && sp != CODE_UNKNOWN && s->reg[CODE_SP] != CODE_UNKNOWN) {
		if (is_refuted(w, b, edge, call))
			return 0;
		w->result.conflicts++;
	}
	if (edge > b->by)
		b->by = edge;
	if (edge == EDGE_CALLED)
		b->call = call;
	if (!code_state_meet(&b->state, s))
		return 0;
	return queue_block(w, (uint32_t)(b - w->blocks));
}

int code_go(struct code_flow *w, uint32_t off, const struct code_state *s, enum edge edge,
	    uint32_t call)
{
	struct block *b = code_block_at(w, off);

	return b ? meet_block(w, b, s, edge, call) : new_block(w, off, s, edge, call);
}

/* A jump to where the function is not: a tail call, or its cold part. */
static int leaves(struct code_flow *w, int64_t target, const struct code_state *s)
{
	struct code_edge edge = { target, s->reg[CODE_SP], s->reg[CODE_BP], s->bp_slot,
				  s->cfa_slot };

	if (s->reg[CODE_SP] == -8)
		w->result.returns += !w->f->is_function || w->f->is_function(w->f->arg, target);
	return w->f->leave ? w->f->leave(w->f->arg, &edge) : 0;
}

static int jump(struct code_flow *w, uint32_t off, const struct code_insn *i,
		const struct code_state *s)
{
	int64_t target = code_target(i, off);
	struct code_state at = *s;

	if (target < 0 || target >= w->f->len)
		return leaves(w, target, s);
	at.equal = CODE_REGS;
	return code_go(w, (uint32_t)target, &at, EDGE_OWN, 0);
}

/*
 * Is it a jump by a table? One by a place of one is, and one by a register that the table's own
 * address was just added to; another by a register may be a tail call, if it leaves the stack as
 * it was: it is believed where nothing in the function ever moves the stack.
 */
static bool is_table(struct code_flow *w, const struct code_insn *i, const struct code_state *s)
{
	if (i->mod != 3)
		return i->index != CODE_REGS;
	return i->notrack || i->rm == w->sum || s->reg[CODE_SP] != -8 || !w->framed;
}

static int jump_indirect(struct code_flow *w, const struct code_insn *i, const struct code_state *s)
{
	/* labels of which a program keeps the addresses are jumped to and end so, too */
	w->result.returns += s->reg[CODE_SP] == -8 && (!w->f->is_function || i->rip);
	if (!is_table(w, i, s))
		return 0;
	w->bare |= s->reg[CODE_SP] == -8 && i->mod == 3 && !i->notrack && i->rm != w->sum;
	if (!w->n_tables++) {
		w->table = *s;
		return 0;
	}
	if (!code_state_meet(&w->table, s))
		return 0;
	for (uint32_t n = 0; n < w->n_blocks; n++)
		if (w->blocks[n].by == EDGE_TABLE &&
		    code_state_meet(&w->blocks[n].state, &w->table) && queue_block(w, n))
			return -ENOMEM;
	return 0;
}

/* What takes a frame down is no function's first instruction: pop, leave, add to rsp. */
static bool ends_frame(const struct code_insn *i)
{
	if (i->map != CODE_MAP_1 || i->vex)
		return false;
	return (i->op & 0xf8) == 0x58 || i->op == 0xc9 ||
	       ((i->op == 0x81 || i->op == 0x83) && i->mod == 3 && i->rm == CODE_SP &&
		!(i->reg & 7));
}

/* Does the call at off stand before padding up to where a function may begin? */
static bool is_last(const struct code_flow *w, uint32_t off)
{
	uint32_t from = off + (w->flags[off] & LEN), at = from;
	struct code_insn i = { .len = 0 };

	while (at < w->f->len && at - from < 16 &&
	       code_decode(w->f->code + at, w->f->len - at, &i) &&
	       code_is_padding(&i, w->f->code + at)) {
		at += i.len;
		i.len = 0;
	}
	if (at == from || (i.len && ends_frame(&i)))
		return false;
	return at >= w->f->len || at - from >= 16 || !((w->f->start + at) & 15);
}

/*
 * Does a call come back? In code that parts of other functions may be in, where
 * each of them ends is not known either: with a call that does not return. Where the end is only
 * the next one's beginning, somebody whom nobody named may come behind such a call.
 */
bool code_comes_back(const struct code_flow *w, uint32_t off)
{
	if (w->flags[off] & NO_RETURN)
		return false;
	return w->f->sized || (!w->f->n_entries && !is_last(w, off));
}

void code_pass_branch(struct code_state *s, const struct code_insn *i)
{
	/* jne: equal */
	if (i->op == 0x75 || (i->map == CODE_MAP_0F && i->op == 0x85))
		code_state_equal(s);
	s->equal = CODE_REGS;
}

/* Goes along one instruction. 1: on to the next one; 0: this way ends; -errno. */
static int step(struct code_flow *w, uint32_t off, const struct code_insn *i, struct code_state *s)
{
	int r;

	switch (i->flow) {
	case CODE_STOP:
		return 0;
	case CODE_RET:
		/* another stack than the one it was called on cannot be */
		if (s->reg[CODE_SP] != CODE_UNKNOWN && s->reg[CODE_SP] != -8)
			return -EINVAL;
		w->result.returns += s->reg[CODE_SP] == -8;
		return 0;
	case CODE_JUMP:
		return jump(w, off, i, s);
	case CODE_JUMP_INDIRECT:
		return jump_indirect(w, i, s);
	case CODE_BRANCH:
		r = jump(w, off, i, s);
		code_pass_branch(s, i);
		return r ? r : 1;
	default:
		code_state_apply(s, i);
		return i->flow != CODE_CALL || code_comes_back(w, off);
	}
}

/* The register that it adds another one to; CODE_REGS: it does not. */
static uint8_t sum_of(const struct code_insn *i)
{
	if (i->map != CODE_MAP_1 || i->vex || i->mod != 3 || !(i->rex & 8))
		return CODE_REGS;
	return i->op == 0x01 ? i->rm : i->op == 0x03 ? i->reg : CODE_REGS;
}

/* The instructions from a block's first on, up to the next block. */
static int run_block(struct code_flow *w, uint32_t n)
{
	struct code_state s = w->blocks[n].state;
	uint32_t off = w->blocks[n].off;
	int r = 1;

	w->sum = CODE_REGS;
	while (r == 1 && off < w->f->len && !w->again) {
		struct code_insn i;
		uint32_t next;

		if (++w->work > w->max_work)
			return -EINVAL;
		if (off != w->blocks[n].off && code_block_at(w, off))
			return code_go(w, off, &s, EDGE_OWN, 0);
		if (!code_decode(w->f->code + off, w->f->len - off, &i))
			return 0;
		w->block_of[off] = n + 1;
		w->flags[off] = (uint8_t)((w->flags[off] & ~LEN) | SEEN | i.len);
		next = off + i.len;
		r = step(w, off, &i, &s);
		w->sum = sum_of(&i);
		w->result.popped |= s.popped;
		if (s.reg[CODE_SP] != -8 && !w->framed) {
			w->framed = true;
			w->again |= w->bare;
		}
		/* what is behind a call is a block of its own: that edge may be none */
		if (r == 1 && i.flow == CODE_CALL && next < w->f->len)
			return code_go(w, next, &s, EDGE_CALLED, off);
		off = next;
	}
	return r < 0 ? r : 0;
}

int code_run(struct code_flow *w)
{
	int r = 0;

	while (w->n_queue && !r && !w->again) {
		uint32_t n = w->queue[--w->n_queue];

		w->blocks[n].queued = false;
		r = run_block(w, n);
	}
	return r;
}
