// SPDX-License-Identifier: GPL-2.0
/*
 * From the instructions of one function to rules.
 *
 * Where a jump by a table leads cannot be seen: what nothing else reaches, behind
 * an instruction that ends a way, is taken for that, and begins with what holds
 * at all such jumps of the function.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "unwind/code_int.h"

#include "ringprof/row.h"

#define MAX_TRIES 32
#define MAX_WORK  64 /* times each byte may be looked at, all tries together */

struct code_flow *code_flow_new(void)
{
	return calloc(1, sizeof(struct code_flow));
}

void code_flow_free(struct code_flow *w)
{
	if (!w)
		return;
	free(w->flags);
	free(w->block_of);
	free(w->blocks);
	free(w->queue);
	free(w);
}

/* *len: of the instruction at off; 0: there is none */
static bool is_padding_at(const struct code_flow *w, uint32_t off, uint32_t *len)
{
	struct code_insn i;

	*len = (uint32_t)code_decode(w->f->code + off, w->f->len - off, &i);
	return *len && code_is_padding(&i, w->f->code + off);
}

/*
 * May a table lead here, behind code that ends? Where the function's end is only
 * the next one's beginning, what stands aligned behind padding may be another
 * function that nobody named.
 */
static bool may_be_table(const struct code_flow *w, uint32_t off, bool padded)
{
	if (!w->n_tables || w->flags[off] & NO_TABLE)
		return false;
	return w->f->sized || !padded;
}

/* What is not reached yet, front to back: *ret blocks were added. */
static int add_tables(struct code_flow *w, uint32_t *ret)
{
	bool ended = false, padded = false;
	uint32_t len, off = 0;
	int r = 0;

	*ret = 0;
	while (off < w->f->len && !r && !w->again) {
		if (++w->work > w->max_work)
			return -EINVAL;
		if (w->flags[off] & SEEN) {
			off += w->flags[off] & LEN;
			ended = true;
			padded = false;
			continue;
		}
		if (is_padding_at(w, off, &len)) {
			padded = true;
		} else if (len && ended && may_be_table(w, off, padded)) {
			r = code_go(w, off, &w->table, EDGE_TABLE, 0);
			if (!r)
				r = code_run(w);
			++*ret;
			continue;
		} else {
			ended = false;
		}
		off += len ? len : 1;
	}
	return r;
}

/*
 * The tables of a function lead into its part as well: they leave the stack as
 * its jumps there do.
 */
static void add_table(struct code_flow *w, const struct code_state *s)
{
	if (w->n_tables++)
		code_state_meet(&w->table, s);
	else
		w->table = *s;
}

static int seed(struct code_flow *w)
{
	const struct code_function *f = w->f;
	struct code_state s;
	int r = 0;

	code_state_entry(&s);
	if (!f->part)
		r = code_go(w, 0, &s, EDGE_OWN, 0);
	for (uint32_t i = 0; i < f->n_entries && !r; i++) {
		const struct code_edge *e = &f->entries[i];

		if (e->target < 0 || e->target >= f->len || w->flags[e->target] & NO_ENTRY)
			continue;
		s.reg[CODE_SP] = e->sp;
		s.reg[CODE_BP] = e->bp;
		s.bp_slot = e->bp_slot;
		s.cfa_slot = e->cfa_slot;
		/* at the first byte nobody knows which of the two is right */
		r = code_go(w, (uint32_t)e->target, &s, e->target ? EDGE_FOREIGN : EDGE_OWN, 0);
		if (f->part)
			add_table(w, &s);
	}
	return r;
}

/* One time through, from the entry on. w->again: it has to be gone through once more. */
static int attempt(struct code_flow *w)
{
	uint32_t added = 1;
	int r;

	w->n_blocks = 0;
	w->n_queue = 0;
	w->n_tables = 0;
	w->bare = false;
	w->again = false;
	w->sum = CODE_REGS;
	if (w->f->again)
		w->f->again(w->f->arg);
	memset(&w->result, 0, sizeof(w->result));
	memset(w->block_of, 0, w->f->len * sizeof(*w->block_of));
	for (uint32_t i = 0; i < w->f->len; i++)
		w->flags[i] &= NO_RETURN | NO_TABLE | NO_ENTRY;
	r = seed(w);
	if (!r)
		r = code_run(w);
	while (!r && added && !w->again)
		r = add_tables(w, &added);
	return r;
}

/* From the blocks to rules, front to back. */
static int put_rules(struct code_flow *w)
{
	const struct code_function *f = w->f;
	struct code_state s;
	bool known = false;
	uint32_t off = 0, len;
	int r = 0;

	while (off < f->len && !r) {
		struct block *b = code_block_at(w, off);
		struct code_insn i;
		uint32_t rule;

		if (b) {
			s = b->state;
			known = true;
		}
		if (!known || !code_decode(f->code + off, f->len - off, &i)) {
			/* padding never runs */
			if (!is_padding_at(w, off, &len) || !off)
				r = f->put(f->arg, off, RINGPROF_CFA_GAP);
			known = false;
			off += len ? len : 1;
			continue;
		}
		rule = code_state_rule(&s);
		w->result.claimed += rule != RINGPROF_CFA_GAP ? i.len : 0;
		r = f->put(f->arg, off, rule);
		if (i.flow == CODE_BRANCH) {
			code_pass_branch(&s, &i);
		} else if (i.flow == CODE_NEXT || i.flow == CODE_CALL) {
			code_state_apply(&s, &i);
			known = i.flow != CODE_CALL || code_comes_back(w, off);
		} else {
			known = false;
		}
		off += i.len;
	}
	return r;
}

static int make_room(struct code_flow *w, uint32_t len)
{
	uint8_t *flags = array_room(w->flags, &w->cap_flags, len, sizeof(*flags));
	uint32_t *block_of;

	if (!flags)
		return -ENOMEM;
	w->flags = flags;
	block_of = array_room(w->block_of, &w->cap_block_of, len, sizeof(*block_of));
	if (!block_of)
		return -ENOMEM;
	w->block_of = block_of;
	memset(flags, 0, len);
	return 0;
}

int code_function(struct code_flow *w, const struct code_function *f, struct code_result *ret)
{
	int r;

	if (!f->len || f->len > CODE_MAX_FUNCTION)
		return -EINVAL;
	w->f = f;
	w->framed = false;
	w->work = 0;
	w->max_work = (uint64_t)f->len * MAX_WORK + 4096;
	r = make_room(w, f->len);
	if (r)
		return r;
	for (int i = 0; i < MAX_TRIES; i++) {
		r = attempt(w);
		if (r || !w->again)
			break;
	}
	if (!r && w->again)
		r = -EINVAL;
	if (!r && f->put)
		r = put_rules(w);
	w->result.work = w->work;
	*ret = w->result;
	return r;
}
