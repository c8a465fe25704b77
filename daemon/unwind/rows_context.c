// SPDX-License-Identifier: GPL-2.0
/*
 * Where coroutines of makecontext(3) begin: the C library puts the address of
 * its __start_context on their stacks as a return address, without a call
 * before it, and its CFI calls that frame an ordinary one. It is the outermost.
 *
 * The symbol is a local one and gone from stripped libraries, so the code is
 * looked for in files that name makecontext. Such a return address is looked up
 * one byte before the function: that byte of padding is part of the span.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "unwind/rows_int.h"

#define CHUNK	   65536
#define CODE_BYTES 16 /* of the function: up to its first jump */

/* mov %rbx,%rsp; then the next context's address into %rdi by mov or, before glibc 2.28, pop */
static const uint8_t code_mov[] = { 0x48, 0x89, 0xdc, 0x48, 0x8b, 0x3c, 0x24, 0x48, 0x85, 0xff };
static const uint8_t code_pop[] = { 0x48, 0x89, 0xdc, 0x5f, 0x48, 0x85, 0xff };

static bool names_makecontext(struct rows_builder *b)
{
	static const char *const tables[] = { ".dynstr", ".strtab" };
	static const char name[] = "makecontext";
	bool found = false;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && !found; i++) {
		cleanup_free uint8_t *text = NULL;
		uint64_t vaddr;
		size_t len;

		if (rows_section(b, tables[i], &text, &vaddr, &len) == 1)
			found = memmem(text, len, name, sizeof(name));
	}
	return found;
}

/* What stands between functions: nop of one byte or the end of a longer one, int3. */
static bool is_padding(uint8_t byte)
{
	return byte == 0x90 || byte == 0x00 || byte == 0xcc;
}

static bool begins_here(const uint8_t *p, size_t left)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };

	/* of a C library that was built for shadow stacks */
	if (left >= sizeof(endbr64) && !memcmp(p, endbr64, sizeof(endbr64))) {
		p += sizeof(endbr64);
		left -= sizeof(endbr64);
	}
	return (left >= sizeof(code_mov) && !memcmp(p, code_mov, sizeof(code_mov))) ||
	       (left >= sizeof(code_pop) && !memcmp(p, code_pop, sizeof(code_pop)));
}

/* The function in this segment; 0: not there. */
static uint64_t find_in(struct rows_builder *b, const struct ringprof_segment *s)
{
	cleanup_free uint8_t *chunk = malloc(CHUNK + CODE_BYTES);

	for (uint64_t at = 0; chunk && at < s->size; at += CHUNK) {
		size_t n = s->size - at < CHUNK + CODE_BYTES ? s->size - at : CHUNK + CODE_BYTES;

		if (elf_read(b->elf, s->offset + at, chunk, n))
			return 0;
		/* functions begin at multiples of 16; the byte before has to be in the chunk */
		for (size_t i = (16 - ((s->vaddr + at) & 15)) & 15; i < n; i += 16)
			if (i && begins_here(chunk + i, n - i) && is_padding(chunk[i - 1]))
				return s->vaddr + at + i;
	}
	return 0;
}

int rows_add_context(struct rows_builder *b)
{
	uint64_t start = 0;
	int r;

	if (!names_makecontext(b))
		return 0;
	for (uint32_t i = 0; i < b->n_segments && !start; i++)
		start = find_in(b, &b->segments[i]);
	if (!start || rows_begin(b, start - 1, start + sizeof(code_pop)))
		return 0;
	r = rows_put(b, start - 1, RINGPROF_CFA_ROOT);
	return r ? r : 1;
}
