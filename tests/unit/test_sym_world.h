/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of files, tables and names ask of them alike.
 */
#ifndef RINGPROF_TESTS_SYM_WORLD_H
#define RINGPROF_TESTS_SYM_WORLD_H

#include <stdint.h>
#include <stdlib.h>

#include "sym/symbols.h"
#include "sym/symtab.h"

#define MIB (1UL << 20)

/* Name of the symbol that an address is in, "-": none. */
static inline const char *at(const struct symtab *t, uint64_t addr)
{
	const struct sym *s = symtab_find(t, addr);

	return s ? symtab_name(t, s) : "-";
}

/* Separate debug files of the host have no say. */
static inline struct symbols *new_symbols(struct files *fs)
{
	struct symbols_config cfg = { .max_bytes = 64 * MIB, .debug_dirs = "/nonexistent" };
	struct symbols *s = symbols_new(&cfg, fs);

	if (!s)
		abort();
	return s;
}

/* The offset in a file that is mapped to an address of its symbol table. */
static inline uint64_t off_of(struct file *f, uint64_t vaddr)
{
	uint64_t v;

	for (uint64_t off = 0; off < f->size; off++)
		if (file_vaddr(f, off, &v) && v == vaddr)
			return off;
	return UINT64_MAX;
}

#endif
