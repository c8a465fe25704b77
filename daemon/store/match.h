/* SPDX-License-Identifier: GPL-2.0 */
/* A selector against label sets, and against the threads of a window in memory. */
#ifndef RINGPROF_STORE_MATCH_H
#define RINGPROF_STORE_MATCH_H

#include "agg/window.h"
#include "query/selector.h"

/*
 * Does sel (NULL: all) take samples of this label set as the disk keeps them:
 * comm and exe are labels? 1, 0, matcher_test's errors. Not for selectors that
 * need memory: those take nothing from the disk.
 */
int store_match_labels(const struct selector *sel, const struct model_series *s);
/* The same of an entry of a window in memory. */
int store_match_entry(const struct selector *sel, const struct model *m,
		      const struct window_entry *e);
/* Does it look at the label host? Only then windows of other hosts are its matter. */
bool store_match_names_host(const struct selector *sel);
/* Do its matchers of the label host take that name? 1, 0, matcher_test's errors. */
int store_match_host(const struct selector *sel, const char *host);
/* Do they take one of the label sets that the model has by now? Likewise. */
int store_match_host_of(const struct selector *sel, const struct model *m);
/* Does it look at a pid, tid or CPU? Only memory can tell those apart. */
bool store_match_needs_memory(const struct selector *sel);

#endif
