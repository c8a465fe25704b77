/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Notices deploys: a program of a service shows up with a version (its label,
 * else its build-id) that the service did not have. The writer's thread alone.
 */
#ifndef RINGPROF_STORE_DEPLOYS_H
#define RINGPROF_STORE_DEPLOYS_H

#include "agg/window.h"
#include "store/events.h"

struct deploys;

/* pairs of service and version that are remembered; past it all are learned anew */
#define DEPLOYS_MAX 8192

struct deploys *deploys_new(void); /* NULL: no memory */
void deploys_free(struct deploys *d);
/* Versions of that label set were there before: no news. */
void deploys_learn(struct deploys *d, const struct model_series *s);
/* Looks at the processes of w that were not seen yet; adds an event for each deploy. */
void deploys_window(struct deploys *d, const struct window *w, struct events *to);

#endif
