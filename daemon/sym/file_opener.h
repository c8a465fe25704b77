/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Looks up files for a thread that must not wait for ever: the collector, when
 * a process maps a file of a file system that hangs. Who serves such a file
 * system (FUSE, a network) may take any time for any call, so those files are
 * opened by threads of our own; one that is not done in time is left to it,
 * and nothing more is asked of that device until it is.
 *
 * Only for devices without a number of their own (major 0), which these file
 * systems are; files on disks are opened by whoever asks. A descriptor of a file
 * that was opened here is closed by file_close_aside.
 */
#ifndef RINGPROF_SYM_FILE_OPENER_H
#define RINGPROF_SYM_FILE_OPENER_H

#include <stdbool.h>

#include "sym/files.h"

#define OPENER_WAIT_NS	   (2 * UINT64_C(1000000000))
#define OPENER_MAX_THREADS 8 /* as many devices may hang at once */

struct opener;

struct opener *opener_new(struct files *fs, uint64_t wait_ns); /* NULL: no memory */
/* false: a thread hangs, so o and the files are in use for the rest of the process. */
bool opener_free(struct opener *o);
/* As files_get_soon. One caller at a time waits, others behind it. */
struct file *opener_get(struct opener *o, const struct file_where *w, bool *ret_again);
uint64_t opener_given_up(struct opener *o);

#endif
