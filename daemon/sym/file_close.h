/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Closing what may hang: a FUSE server is told of each close(2), which waits for its
 * answer. A thread does that, another one while it hangs, CLOSE_MAX_THREADS at most; no
 * more than CLOSE_WAITING descriptors wait for them, others stay open.
 */
#ifndef RINGPROF_SYM_FILE_CLOSE_H
#define RINGPROF_SYM_FILE_CLOSE_H

#include <stdbool.h>

#define CLOSE_MAX_THREADS 8
#define CLOSE_WAITING	  256

/* Never waits. fd < 0: nothing to do; on_disk: it cannot hang, and is closed here. Any thread. */
void file_close_aside(int fd, bool on_disk);

#endif
