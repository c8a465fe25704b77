/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opens what a process maps, and files named by a process's own view of the
 * file system. Only regular files: the kind is checked on an O_PATH
 * descriptor before anything is opened for reading, as opening a device or a
 * FIFO may do things or wait. Paths below /proc/PID/root are walked with
 * openat2(RESOLVE_IN_ROOT), so that a container's symbolic links cannot lead
 * outside of it.
 *
 * No state. Any thread. A file system served by user space (FUSE) or the
 * network may make any of these calls wait for as long as it likes.
 */
#ifndef RINGPROF_SYM_FILE_OPEN_H
#define RINGPROF_SYM_FILE_OPEN_H

#include <sys/stat.h>
#include <sys/types.h>

#include "sym/files.h"

/*
 * Opens the file of a mapping read-only: /proc/PID/map_files/START-END, then
 * /proc/PID/root/PATH, then the host's PATH. The first is the mapping's file by
 * definition. What a path gives must have the mapping's inode number, and not be
 * younger than it (file_age.h); the device may differ, as stat(2) and the maps of
 * btrfs and overlayfs name different devices for one file. Gives a descriptor and its stat, or -errno.
 */
int file_open_mapping(const struct file_where *w, struct stat *st);
/*
 * The stat alone, by /proc/PID/map_files, of the file that a living process
 * maps; 0 or -errno (-ESTALE: it is no regular file, or another one's turn).
 */
int file_stat_mapping(const struct file_where *w, struct stat *st);

/* O_PATH descriptor of a process's root directory; pid 0: of our own. -errno */
int file_open_root(pid_t pid);
/*
 * The same of the first process, which sees the host's files where a service
 * has a /tmp of its own; of our own where that one's may not be seen. For
 * processes that took their own root with them.
 */
int file_open_host_root(void);
/* Opens an absolute path as seen from a root directory. Descriptor or -errno. */
int file_open_in_root(int root, const char *path, struct stat *st);

#endif
