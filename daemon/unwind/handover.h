/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Gives the module the tables that became ready, and again all of them to a
 * module that was loaded anew. Collector thread alone; a slice a call, so that
 * draining never waits long for it.
 */
#ifndef RINGPROF_UNWIND_HANDOVER_H
#define RINGPROF_UNWIND_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "unwind/tables.h"

struct handover;

struct handover *handover_new(struct tables *t); /* NULL: no memory */
void handover_free(struct handover *h);		 /* NULL is fine */
/* The module that is there now: another one than before has nothing of ours. */
void handover_begin(struct handover *h, uint64_t instance);
/*
 * Nothing is sent for a while: the tables may be let go of. One that is half sent is
 * taken back, and goes again later (but the vDSO's, which stays).
 */
void handover_pause(struct handover *h);
/*
 * f is mapped from there: if the module has not been given this inode (in this
 * state), it will be, with the table of f's content. False: tell it again later.
 */
bool handover_seen(struct handover *h, struct file *f, const struct file_where *w);
/*
 * Has the module let go of tables that it was given? Then tell of the files
 * that samples have frames in: what is missed comes again (evicted.h). True: f,
 * mapped from there, is one of them.
 */
bool handover_lacks(const struct handover *h);
bool handover_missed(struct handover *h, struct file *f, const struct file_where *w);
/* Do such files wait for their tables? */
bool handover_waits(const struct handover *h);
/*
 * Sends for at most budget_ns. instance: of the module that is there (another
 * one than last time: all over). More to send: 1; done: 0; -errno: the module
 * refused, h has the sentence; not asked again for that table.
 */
int handover_run(struct handover *h, uint64_t instance, uint64_t budget_ns);
const char *handover_error(const struct handover *h); /* "" none */

struct handover_counters {
	uint64_t sent, bytes, refused;
	/* tables that the module let go of, those given once more, decisions that there is no room */
	uint64_t evicted, again, kept_out;
	uint64_t absent; /* of those given, now not there */
};
void handover_counters(const struct handover *h, struct handover_counters *ret);

#endif
