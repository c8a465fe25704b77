// SPDX-License-Identifier: GPL-2.0
/*
 * The entry point of a program is the outermost frame, whether or not its
 * author wrote so in CFI: musl, Go and hand-made start code say nothing. What
 * has no unwind information there gets a ROOT row up to the next function, for
 * ENTRY_BYTES at most: start code is a few instructions of assembly.
 *
 * Old linkers give a shared library its first code byte as entry point, so
 * libraries are left alone unless they can be run.
 */
#include <errno.h>

#include "unwind/rows_int.h"

#define ENTRY_BYTES 64

/* A library that starts where .text does was given that by its linker. */
static bool starts_text(struct elf_image *e)
{
	const Elf64_Shdr *sh;

	if (elf_load_sections(e))
		return true;
	sh = elf_section(e, ".text");
	return !sh || sh->sh_addr == e->eh.e_entry;
}

static bool is_program(struct elf_image *e)
{
	if (e->eh.e_type != ET_DYN)
		return e->eh.e_type == ET_EXEC;
	for (size_t i = 0; i < e->n_ph; i++)
		if (e->ph[i].p_type == PT_INTERP)
			return true;
	return elf_is_pie(e) || !starts_text(e); /* the dynamic linker */
}

int rows_add_entry(struct rows_builder *b)
{
	uint64_t entry = b->elf->eh.e_entry, end = entry + ENTRY_BYTES;
	int r;

	if (!entry || !is_program(b->elf))
		return 0;
	for (uint32_t i = 0; i < b->n_segments; i++) {
		const struct ringprof_segment *s = &b->segments[i];

		if (entry - s->vaddr < s->size && end > s->vaddr + s->size)
			end = s->vaddr + s->size;
	}
	/* not over the next function: entry code of its own falls in between, not beyond */
	for (size_t i = 0; i < b->n_settled; i++) {
		uint64_t start = b->base + b->spans[i].start;

		if (entry >= start && entry < b->base + b->spans[i].end)
			return 0;
		if (start > entry && start < end)
			end = start;
	}
	r = rows_begin(b, entry, end);
	if (r)
		return r == -EINVAL ? 0 : r;
	r = rows_put(b, entry, RINGPROF_CFA_ROOT);
	return r ? r : 1;
}
