/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From settings as they were read to what the stages want of them, and what a
 * reload changes. Main thread only.
 */
#ifndef RINGPROF_SETTINGS_H
#define RINGPROF_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "agg/relabel.h"
#include "base/config.h"
#include "query/category.h"
#include "source/source.h"

/* *ret: the rules under [relabel NAME]; 0, or -errno with "FILE:LINE: ..." */
int settings_rules(const struct config *c, struct relabel **ret, char *err, size_t errlen);
/* The pairs under [external_labels], texts of c: free(*ret). 0 or -ENOMEM. */
int settings_labels(const struct config *c, const char *(**ret)[2]);
/*
 * *ret: the rules in the file `categories`, NULL without one; the reference is
 * the caller's. 0, or -errno with "FILE:LINE: ..." or "FILE: ..."
 */
int settings_categories(const struct config *c, struct categories **ret, char *err, size_t errlen);
/* settings_rules and settings_categories for the error alone. */
int settings_check_rules(const struct config *c, char *err, size_t errlen);

/* adopt: a module that samples already goes on as it is set. Points into c. */
struct source_config settings_source(const struct config *c, bool adopt);

/*
 * Bytes of a model, and of the trie of caller chains: parts of `memory`, as it is
 * at the start. Windows refer to some models at a time, and all of them are to fit.
 */
size_t settings_model_bytes(const struct config *c);
size_t settings_chain_bytes(const struct config *c);

/*
 * Logs what differs from what is in force: of settings that can change while
 * it runs `live`, those last applied; of the others `start`.
 */
void settings_tell_changes(const struct config *start, const struct config *live,
			   const struct config *fresh);

#endif
