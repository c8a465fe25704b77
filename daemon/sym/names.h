/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interned function names: the name as in the symbol table and its readable
 * form, made once. Texts stay until names_free, so they are bounded: past the
 * limit only names that are known already are given.
 *
 * A readable name of more than NAMES_MAX_READABLE bytes is cut in the middle,
 * where a "…" stands then: beginning (the namespace) and end (the function)
 * are what tells names apart.
 *
 * Control characters become '?': names come from strangers' files and end on
 * people's terminals.
 *
 * Any thread.
 */
#ifndef RINGPROF_SYM_NAMES_H
#define RINGPROF_SYM_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAMES_MAX_READABLE 1024

struct names;

struct names *names_new(size_t max_bytes); /* NULL: no memory */
void names_free(struct names *n);
/*
 * The interned pair of a name; demangle: it comes from a symbol table. false:
 * the limit is reached (counted) or no memory.
 */
bool names_get(struct names *n, const char *name, bool demangle, const char **ret_name,
	       const char **ret_system_name);
size_t names_bytes(struct names *n);
uint64_t names_limit_hits(struct names *n);

#endif
