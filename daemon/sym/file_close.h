/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Closing what may hang: a FUSE server is told of each close(2), which waits for its
 * answer. Threads do that, CLOSE_PER_DEVICE at most for one file system, so that one
 * which hangs keeps nothing from being closed but its own files. These wait in a list:
 * nothing is given up, and who opens files asks file_close_hangs first, so that the
 * list comes to an end.
 *
 * Any thread; one state for the whole process.
 */
#ifndef RINGPROF_SYM_FILE_CLOSE_H
#define RINGPROF_SYM_FILE_CLOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOSE_MAX_THREADS 16
#define CLOSE_PER_DEVICE  2
#define CLOSE_HANGS_NS	  UINT64_C(1000000000) /* a close that takes longer hangs */

/* Never waits. fd < 0: nothing to do; on_disk: it cannot hang, and is closed here. */
void file_close_aside(int fd, bool on_disk);
/* Does closing what lies on that device hang, or on so many that nobody is left to try it? */
bool file_close_hangs(uint32_t maj, uint32_t min);
/* Descriptors given to file_close_aside that are still open. */
size_t file_close_waiting(void);

#endif
