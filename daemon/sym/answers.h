/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Answers about addresses of files, kept: the same few thousand addresses are
 * asked for by every query. Only whole answers of texts that live as long as
 * the symbolizer.
 *
 * Full, or older than ANSWERS_MAX_AGE_NS: begun anew. That is the eviction
 * rule and also what makes better names show once debug files have come.
 *
 * Any thread.
 */
#ifndef RINGPROF_SYM_ANSWERS_H
#define RINGPROF_SYM_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sym/symbols.h"

#define ANSWERS_MAX_AGE_NS (600ULL * 1000000000)

struct answers;

struct answers *answers_new(size_t max_bytes); /* NULL: no memory */
void answers_free(struct answers *a);
/* Fills ret (but for module) and gives true if the answer is known. */
bool answers_get(struct answers *a, uint32_t file_id, uint64_t off, struct sym_answer *ret);
/* Keeps a copy, if there is memory for it. */
void answers_put(struct answers *a, uint32_t file_id, uint64_t off, const struct sym_answer *ans);
void answers_clear(struct answers *a);
/* Bytes in use; hits so far where wanted. */
size_t answers_bytes(struct answers *a, uint64_t *hits);

#endif
