/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Addresses whose debug information is read behind the back of who asked:
 * opening a large file takes seconds, and an answer must not wait for that.
 *
 * One thread of its own, started with the first address: a symbolizer that
 * nobody hurries has none. Any thread may call.
 */
#ifndef RINGPROF_SYM_LATER_H
#define RINGPROF_SYM_LATER_H

#include <stdbool.h>
#include <stdint.h>

#include "sym/files.h"

#define LATER_MAX 16384U /* addresses that wait; past that they are left out, and counted */

struct later;
typedef void (*later_fn)(void *arg, struct file *f, uint64_t off); /* in the thread */

struct later *later_new(later_fn fn, void *arg); /* NULL: no memory */
void later_free(struct later *l); /* waits for the address that is being read; NULL is fine */
/* Takes a reference to f while it waits. false: there is no room, or no thread. */
bool later_push(struct later *l, struct file *f, uint64_t off);
/* How many addresses were done so far: to be read before looking for a result. */
uint64_t later_done(struct later *l);
/* Waits until more than `done` are, at most ns; false: time is up, or nothing is waiting. */
bool later_wait(struct later *l, uint64_t done, uint64_t ns);
uint64_t later_dropped(struct later *l);

#endif
