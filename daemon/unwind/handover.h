/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Gives the module the tables that became ready, and again all of them to a
 * module that was loaded anew. Collector thread alone; a slice a call, so that
 * draining never waits long for it.
 */
#ifndef RINGPROF_UNWIND_HANDOVER_H
#define RINGPROF_UNWIND_HANDOVER_H

#include <stdint.h>

#include "unwind/tables.h"

struct handover;

struct handover *handover_new(struct tables *t); /* NULL: no memory */
void handover_free(struct handover *h);		 /* NULL is fine */
/*
 * Sends for at most budget_ns. instance: of the module that is there (another
 * one than last time: all over). More to send: 1; done: 0; -errno: the module
 * refused, h has the sentence; not asked again for that table.
 */
int handover_run(struct handover *h, uint64_t instance, uint64_t budget_ns);
const char *handover_error(const struct handover *h); /* "" none */

struct handover_counters {
	uint64_t sent, bytes, refused;
};
void handover_counters(const struct handover *h, struct handover_counters *ret);

#endif
