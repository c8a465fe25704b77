/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interned function names: the name as in the symbol table and its readable
 * form, made once, where it is asked for. Texts stay until names_free, so they are bounded: past the
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
struct reader;
struct sym_answer;

/* demangler: who makes names readable, the caller's; NULL: we do. NULL: no memory */
struct names *names_new(size_t max_bytes, struct reader *demangler);
void names_free(struct names *n);
/*
 * The interned pair of a name; symbol: it comes from a symbol table. A mangled one is
 * its own readable form until names_settle has asked for a better. Never waits. false:
 * the limit is reached (counted) or no memory.
 */
bool names_get(struct names *n, const char *name, bool symbol, const char **ret_name,
	       const char **ret_system_name);
/*
 * Makes the names of an answer readable, for which another process may be asked and
 * waited for: hold no lock. Of one that nobody can tell now (there is no process, or too
 * much was waited for it already) a->unsettled is set, and it stands as it is; an answer
 * that has it set already is left alone.
 */
void names_settle(struct names *n, struct sym_answer *a);

struct names_counters {
	uint64_t bytes;
	uint64_t limit_hits;
	uint64_t put_off; /* times that a name was to be readable and nobody could tell */
};
void names_counters(struct names *n, struct names_counters *ret);

#endif
