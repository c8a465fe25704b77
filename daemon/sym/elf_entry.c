// SPDX-License-Identifier: GPL-2.0
/* The entry point of a program: its name, where stripping took it away. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "sym/elf_image.h"

#define MAX_DYNAMIC 4096 /* entries looked at */
/*
 * _start of glibc's crt1.o with endbr64; musl's is shorter. Whatever comes next
 * stands at a multiple of 16, so it cannot lie below.
 */
#define START_BYTES 38

static bool has_pie_flag(const struct elf_image *e, const Elf64_Phdr *ph)
{
	uint64_t n = ph->p_filesz / sizeof(Elf64_Dyn);
	cleanup_free Elf64_Dyn *dyn = NULL;

	if (n > MAX_DYNAMIC)
		n = MAX_DYNAMIC;
	dyn = elf_dup(e, ph->p_offset, n * sizeof(*dyn), MAX_DYNAMIC * sizeof(*dyn));
	for (uint64_t i = 0; dyn && i < n && dyn[i].d_tag != DT_NULL; i++)
		if (dyn[i].d_tag == DT_FLAGS_1)
			return dyn[i].d_un.d_val & DF_1_PIE;
	return false;
}

bool elf_is_pie(const struct elf_image *e)
{
	for (size_t i = 0; e->eh.e_type == ET_DYN && i < e->n_ph; i++)
		if (e->ph[i].p_type == PT_DYNAMIC && has_pie_flag(e, &e->ph[i]))
			return true;
	return false;
}

uint64_t elf_entry(const struct elf_image *e)
{
	/* a library that can be run, as libc.so.6, has a function of another kind there */
	return e->is64 && (e->eh.e_type == ET_EXEC || elf_is_pie(e)) ? e->eh.e_entry : 0;
}

int elf_add_entry(const struct elf_image *e, struct symtab_builder *b)
{
	static const char name[] = "_start";
	/* without a size: labels behind it, which may have none either, are not hidden by it */
	const struct sym_input in = {
		.addr = elf_entry(e),
		.room = START_BYTES,
		.bind = SYM_LOCAL,
		.guessed = true,
		.name = name,
		.len = sizeof(name) - 1,
	};
	int r;

	if (!in.addr)
		return 0;
	r = symtab_add(b, &in);
	return r ? r : 1;
}
