/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only door from queries and exports to names and ELF layouts.
 * Everything behind it may be slow the first time (symbols are read).
 */
#ifndef RINGPROF_QUERY_RESOLVE_H
#define RINGPROF_QUERY_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "agg/model.h"
#include "query/query.h"

/*
 * Names of place `off` of object o; always at least one line, no pointer in it
 * NULL. line_ns: time left for lines, see symbols_resolve_within; NULL: no limit.
 */
void query_resolve(const struct query_env *env, const struct model_object *o, uint64_t off,
		   uint64_t *line_ns, struct sym_answer *ret);
/* ELF virtual address of a file offset; false: the object has none there. */
bool query_vaddr(const struct model_object *o, uint64_t off, uint64_t *ret);
/*
 * The address to be told: that one, off where there is none; a kernel's as
 * symbols_tell_kernel, in the history as it stands there (history_config.tell).
 */
uint64_t query_address(const struct query_env *env, const struct model_object *o, uint64_t off);

#endif
