/* SPDX-License-Identifier: GPL-2.0 */
/* One stack and one table of rows, made by hand, for the tests of the walker. */
#ifndef RINGPROF_TESTS_WALK_WORLD_H
#define RINGPROF_TESTS_WALK_WORLD_H

#include <stdlib.h>

#include "tap.h"
#include "unwind/walk.h"

#define CODE  0x400000ULL /* with rows; the table's base is 0x1000 */
#define JIT   0x7000000ULL
#define STACK 0x7ffe0000ULL
#define WORDS 64
#define ROOM  16

#define SP(off)	       ringprof_rule(RINGPROF_CFA_SP, (off) / 8, RINGPROF_BP_SAME, 0)
#define SP_BP(off, bp) ringprof_rule(RINGPROF_CFA_SP, (off) / 8, RINGPROF_BP_AT_CFA, (bp) / 8)
#define BP16	       ringprof_rule(RINGPROF_CFA_BP, 2, RINGPROF_BP_AT_CFA, -2)
#define ROOT	       ringprof_rule(RINGPROF_CFA_ROOT, 0, 0, 0)

/* One stack, one table; everything a test sets and what came of it. */
static struct world {
	uint64_t stack[WORDS];
	struct ringprof_row row[16];
	uint32_t index[258];
	struct ringprof_table table;
	struct walk_input in;
	uint64_t chain[ROOM];
	uint32_t n, flags;
	struct walk_counters c;
	uint64_t far_at, far[WORDS]; /* a second piece of memory */
	uint32_t spans;
} w;

static uint64_t at(int word)
{
	return STACK + 8 * (uint64_t)word;
}

static void set_row(uint32_t pc, uint32_t rule)
{
	w.row[w.table.n_rows++] = (struct ringprof_row){ pc, rule };
}

static void begin(uint64_t pc)
{
	memset(&w, 0, sizeof(w));
	w.in.regs[WALK_PC] = pc;
	w.in.regs[WALK_SP] = STACK;
	w.in.stack = w.stack;
	w.in.stack_len = sizeof(w.stack);
	w.table.rows = w.row;
	w.table.base = 0x1000;
}

static bool span(void *arg, uint64_t addr, struct walk_span *ret)
{
	w.spans++;
	if (addr - CODE >= 0x10000)
		return false;
	*ret = (struct walk_span){ CODE, CODE + 0x10000, CODE - 0x1000, &w.table };
	return true;
}

static bool far_read(void *arg, uint64_t addr, uint64_t *ret)
{
	if (addr - w.far_at >= sizeof(w.far))
		return false;
	*ret = w.far[(addr - w.far_at) / 8];
	return true;
}

static enum ringprof_end go_room(uint32_t room)
{
	struct walk_space sp = { span, w.far_at ? far_read : NULL, NULL };

	w.table.shift = 8;
	w.table.index = w.index;
	w.table.n_index = (w.table.n_rows ? w.row[w.table.n_rows - 1].pc >> 8 : 0) + 2;
	for (uint32_t i = 0; i < w.table.n_index; i++) {
		w.index[i] = 0;
		while (w.index[i] < w.table.n_rows && w.row[w.index[i]].pc < i << 8)
			w.index[i]++;
	}
	w.n = room;
	return walk_space(&sp, &w.in, w.chain, &w.n, &w.flags, &w.c);
}

static enum ringprof_end go(void)
{
	return go_room(ROOM);
}

#endif
