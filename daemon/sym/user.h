/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of user-space frames of files: the function from the file's symbol
 * tables, and where there is debug information the inlined functions inside
 * of it with their lines.
 *
 * The last line of an answer is always the function that the code belongs to,
 * under the name of the symbol table: it stays the same function, and is
 * merged as such, with debug information or without.
 *
 * Any thread.
 */
#ifndef RINGPROF_SYM_USER_H
#define RINGPROF_SYM_USER_H

#include "sym/lines.h"
#include "sym/names.h"
#include "sym/symbols.h"

struct user;

/* NULL: no memory. files may be NULL; names is borrowed; cfg->debuginfod is taken in any case. */
struct user *user_new(struct files *files, struct names *names, const struct symbols_config *cfg);
void user_free(struct user *u);
/*
 * Fills ret (n, lines, func_start, named); f may be NULL. false: there was no
 * symbol. line_ns: see symbols_resolve_within; NULL: debug information is
 * waited for.
 */
bool user_resolve(struct user *u, struct file *f, uint64_t off, uint64_t *line_ns,
		  struct sym_answer *ret);
/* The function's name alone, from symbol tables only: never waits for debug information. */
bool user_function(struct user *u, struct file *f, uint64_t off, struct sym_answer *ret);
/* Looks whether debug files came (each five minutes), gives memory back. One thread, once a minute. */
void user_refresh(struct user *u);

struct user_counters {
	uint64_t answer_bytes, answer_hits; /* of the kept answers */
	uint64_t without_lines;		    /* given before debug information was read */
	uint64_t dropped;		    /* of them, not even asked for: the queue was full */
	struct debuginfod_counters debuginfod;
};
void user_counters(struct user *u, struct lines_counters *lc, struct user_counters *ret);

#endif
