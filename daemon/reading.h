/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processes that read strangers' files for the daemon (sym/reader.h): one
 * for symbol tables, one for debug information, one for unwind rows, one for
 * what JITs write, and one that makes names readable, so that names do not wait for
 * what takes longer. Main thread, but for the counters.
 */
#ifndef RINGPROF_READING_H
#define RINGPROF_READING_H

#include "base/buf.h"
#include "base/config.h"
#include "sym/reader.h"

enum reading {
	READING_NAMES,
	READING_LINES,
	READING_ROWS,
	READING_JIT,
	READING_MANGLED,
	READING_N
};

struct readings {
	struct reader *readers[READING_N];
	char keeper[128];
	uint64_t deaths[READING_N]; /* that were told */
};

/* Is the program one of them? Then it does not return. To be called first in main(). */
void reading_main(int argc, char **argv);
/* They start with their first question. 0 or -ENOMEM. */
int reading_new(struct readings *r, const struct config *c);
void reading_free(struct readings *r);
/* Says in the log which files are not read any more, and which process had to be started again. */
void reading_tell(struct readings *r);
void reading_metrics(const struct readings *r, struct buf *b);
/* The member "readers" of the status. */
void reading_status(const struct readings *r, struct buf *b);

#endif
