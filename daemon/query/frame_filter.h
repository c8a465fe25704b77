/* SPDX-License-Identifier: GPL-2.0 */
/* Regular expressions over frames, inside the query stage. */
#ifndef RINGPROF_QUERY_FRAME_FILTER_H
#define RINGPROF_QUERY_FRAME_FILTER_H

#include "query/query.h"

/* Does the function match? 1, 0, -ELOOP (match limit), -ENOMEM. NULL matches nothing. */
int frame_filter_test(const struct frame_filter *f, const struct tree_func *func);

#endif
