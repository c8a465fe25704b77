/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is a file that was found by its path the one that was mapped? A compiler that
 * runs in a loop leaves build after build under one path, and file systems give the
 * inode's number of the one that was just removed to the next.
 *
 * The inode's generation tells them apart where the event had it and the file system
 * gives it away (ext4, xfs, btrfs). Else a file that was made or changed after it was
 * mapped is taken for another one. chmod(2), link(2) and rename(2) change that time
 * too: who asks has no file then, as if it had vanished, which is better than names
 * of another build.
 *
 * Times of files are of a clock that may be set. A jump of it is noticed at the next
 * question, and what was mapped before says nothing then; so does a time to come.
 * Any thread.
 */
#ifndef RINGPROF_SYM_FILE_AGE_H
#define RINGPROF_SYM_FILE_AGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "sym/files.h"

/* Of the inode behind fd; 0: not known. May wait for its file system. */
uint32_t file_generation(int fd);
/* Is what was opened by a path certainly, or as good as, not what w mapped? */
bool file_is_later(const struct file_where *w, int fd, const struct stat *st);
/*
 * Was the time of change that is given (ns, wall) after `mapped` (mono; 0: unknown,
 * false)?
 */
bool file_changed_after(uint64_t mapped, uint64_t ctime);

#endif
