/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A sorted, immutable table of function symbols: address -> name. Built once
 * from any number of symbols in any order (ELF tables, kallsyms), then only
 * searched, by any number of threads.
 *
 * One name per address, chosen by these rules in order: one that a table says
 * before a guess; a function (STT_FUNC, STT_GNU_IFUNC) before a bare label;
 * with a size before without; global before weak before local; fewer leading
 * underscores; shorter; first by strcmp. The rule is total, so the same file
 * gives the same names on every run and host.
 *
 * A symbol of size 0 reaches to the next symbol or its section's end, and is
 * dropped when it lies inside another one: it is a label there.
 */
#ifndef RINGPROF_SYM_SYMTAB_H
#define RINGPROF_SYM_SYMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cachedir.h"

#define SYMTAB_MAX_SYMBOLS (4U << 20)
#define SYMTAB_MAX_NAMES   (256U << 20) /* bytes of names while a table is put together */
#define SYM_NAME_MAX	   4096		/* with NUL; longer names are cut */
#define SYM_READABLE_MAX   16384	/* with NUL, demangled, before it is cut */

enum sym_bind { SYM_LOCAL, SYM_WEAK, SYM_GLOBAL };

struct sym {
	uint64_t addr;
	uint32_t size;
	uint32_t name; /* offset in names */
};

struct symtab {
	struct sym *syms;
	char *names;
	size_t n;
	size_t names_len;
	uint32_t *index; /* [k]: first symbol behind the 2^shift bytes k; NULL: none */
	size_t n_index;
	unsigned int shift;
	struct cachemap map; /* of which syms and names are parts; without data: they are memory */
};

struct sym_input {
	uint64_t addr;
	uint64_t size; /* 0 unknown */
	uint64_t room; /* bytes to the section's end, 0 unknown: bounds size */
	enum sym_bind bind;
	bool func;    /* false: a label without type */
	bool guessed; /* not said by anybody: any other symbol comes before it */
	const char *name;
	size_t len;
};

struct sym_raw;

struct symtab_builder {
	struct sym_raw *raw;
	size_t n, cap;
	char *names;
	size_t names_len, names_cap;
	size_t limit;	  /* symbols left out past this many; 0: SYMTAB_MAX_SYMBOLS */
	size_t max_names; /* and past that many bytes of names; 0: SYMTAB_MAX_NAMES */
	size_t dropped;
};

static inline size_t symtab_max_names(const struct symtab_builder *b)
{
	return b->max_names ? b->max_names : SYMTAB_MAX_NAMES;
}

/* 0 or -ENOMEM. Symbols past the limits are counted in dropped, without an error. */
int symtab_add(struct symtab_builder *b, const struct sym_input *in);
/* Sorts and hands over; b is empty afterwards in any case. 0 or -ENOMEM. */
int symtab_finish(struct symtab_builder *b, struct symtab *ret);
void symtab_builder_free(struct symtab_builder *b);

/*
 * Adds an index of a 32nd of the table's size, which spares symtab_find most
 * steps; for tables put together elsewhere. Without memory for it there is
 * none.
 */
void symtab_index(struct symtab *t);
/* Is it in order, with every name inside of the names? For tables that others put together. */
bool symtab_ok(const struct symtab *t);
void symtab_free(struct symtab *t);
size_t symtab_bytes(const struct symtab *t);
/* The symbol that covers addr, NULL: none. */
const struct sym *symtab_find(const struct symtab *t, uint64_t addr);
static inline const char *symtab_name(const struct symtab *t, const struct sym *s)
{
	return t->names + s->name;
}
/* The name, whatever became of the table's file since it was mapped. */
void symtab_copy_name(const struct symtab *t, const struct sym *s, char out[SYM_NAME_MAX]);

#endif
