// SPDX-License-Identifier: GPL-2.0
/*
 * Random rows, registers and stack bytes: the walk reads nothing outside of
 * what it was given, ends, and says why. Input:
 *
 *   byte 0       rows (up to 64), byte 1 bit 0 stack_cut, bit 1 compat, bit 2 a
 *                second piece of memory, bits 3..4 alignment of the stack
 *   17 words     registers; sp, bp and pc are made to point somewhere useful
 *   rows         u16 pc step, u32 rule each
 *   the rest     stack bytes; a word whose low byte is 1 becomes a code
 *                address, one whose low byte is 2 a stack address
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "unwind/walk.h"

#define CODE	  0x10000ULL
#define CODE_SIZE 0x10000ULL
#define STACK	  0x7ffff0000000ULL
#define MAX_ROWS  64
#define WORDS	  512
#define ROOM	  200

static struct ringprof_table table;
static uint32_t reads;

static bool span(void *arg, uint64_t addr, struct walk_span *ret)
{
	if (addr - CODE >= CODE_SIZE)
		return false;
	*ret = (struct walk_span){ CODE, CODE + CODE_SIZE, CODE, &table };
	return true;
}

/* Every word that is no part of the copy: what is asked for must be readable at all. */
static bool read_far(void *arg, uint64_t addr, uint64_t *ret)
{
	if (addr & 7 || addr >> 56)
		abort();
	reads++;
	*ret = addr & 8 ? CODE + (addr >> 3) % CODE_SIZE : STACK + (addr * 7 & 0xfff8);
	return true;
}

static uint64_t useful(uint64_t word)
{
	switch (word & 0xff) {
	case 1:
		return CODE + (word >> 8) % CODE_SIZE;
	case 2:
		return STACK + ((word >> 8) % (8 * WORDS) & ~7ULL);
	default:
		return word;
	}
}

static size_t take(const uint8_t **p, size_t *left, void *to, size_t n)
{
	n = n < *left ? n : *left;
	memcpy(to, *p, n);
	*p += n;
	*left -= n;
	return n;
}

static void take_rows(const uint8_t **p, size_t *left, struct ringprof_row *row, uint32_t *index,
		      uint32_t n)
{
	uint32_t pc = 0, i = 0;

	for (uint32_t r = 0; r < n; r++) {
		uint16_t step = 0;

		take(p, left, &step, 2);
		row[r].pc = pc += 1 + step % (CODE_SIZE / MAX_ROWS - 1);
		take(p, left, &row[r].rule, 4);
	}
	table = (struct ringprof_table){ .rows = row, .index = index, .n_rows = n, .shift = 8 };
	table.n_index = (n ? row[n - 1].pc >> 8 : 0) + 2;
	for (uint32_t b = 0; b < table.n_index; b++) {
		while (i < n && row[i].pc < b << 8)
			i++;
		index[b] = i;
	}
}

static void check(const uint64_t *chain, uint32_t n, enum ringprof_end why)
{
	if (n > ROOM || why == RINGPROF_END_NONE || why > RINGPROF_END_MAX)
		abort();
	if ((n == ROOM) < (why == RINGPROF_END_DEPTH))
		abort();
	for (uint32_t i = 0; i < n; i++) {
		if (chain[i] < 4096 || chain[i] >> 56)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct walk_space space = { .span = span };
	struct ringprof_row row[MAX_ROWS];
	uint32_t index[CODE_SIZE / 256 + 3], n = ROOM, flags = 0;
	struct walk_counters c = { 0 };
	struct walk_input in = { 0 };
	uint64_t chain[ROOM], *stack;
	uint8_t head[2] = { 0 };
	enum ringprof_end why;

	take(&data, &size, head, sizeof(head));
	take(&data, &size, in.regs, sizeof(in.regs));
	take_rows(&data, &size, row, index, head[0] % (MAX_ROWS + 1));
	size = size < 8 * WORDS ? size & ~(size_t)7 : 8 * WORDS;
	/* of that very size, so that a byte too far is seen */
	stack = malloc(size + 1);
	if (!stack)
		return 0;
	memcpy(stack, data, size);
	for (size_t i = 0; i < size / 8; i++)
		stack[i] = useful(stack[i]);
	for (int i = 0; i < WALK_REGS; i++)
		in.regs[i] = useful(in.regs[i]);
	in.regs[WALK_SP] = STACK + (head[1] >> 3 & 3);
	in.stack = stack;
	in.stack_len = size;
	in.stack_cut = head[1] & 1;
	in.compat = head[1] & 2;
	space.read = head[1] & 4 ? read_far : NULL;
	reads = 0;
	why = walk_space(&space, &in, chain, &n, &flags, &c);
	check(chain, n, why);
	if (c.row_frames + c.fp_frames != n || reads > 4 * (ROOM + 1))
		abort();
	free(stack);
	return 0;
}
