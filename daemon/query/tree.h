/* SPDX-License-Identifier: GPL-2.0 */
/* Shape of trees, shared by building and cutting. */
#ifndef RINGPROF_QUERY_TREE_H
#define RINGPROF_QUERY_TREE_H

#include "query/query.h"

/* Chains every node's children, heaviest first, equal ones by number; 0 or -ENOMEM. */
int tree_link(struct tree *t);

#endif
