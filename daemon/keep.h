/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The history on disk, as the daemon has it: from the settings, to the log, to
 * metrics and status. Sampling never depends on it: what goes wrong is told and
 * the daemon goes on with what memory holds.
 */
#ifndef RINGPROF_KEEP_H
#define RINGPROF_KEEP_H

#include "base/buf.h"
#include "base/config.h"
#include "query/query.h"

/* Makes the directory for the user that the daemon will run as; with the rights to. */
void keep_make_dir(const struct config *c);
/* Opens it; env outlives the store. */
void keep_open(const struct config *c, const char *host, struct query_env *env);
void keep_limits(const struct config *c, struct store *s); /* after a reload */
void keep_tell(struct store *s);			   /* to the log, what there is to tell */

void keep_metrics(struct buf *b, struct store *s); /* any thread */
void keep_status(struct buf *b, struct store *s);  /* "disk":{...}; any thread */

#endif
