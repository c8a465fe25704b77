/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whose word a file is. Names of a file are shown for all processes that map it,
 * and anybody can make a root directory with /usr/lib/debug of his own (unshare,
 * mount) and run everybody's libc in it. So a debug file is believed only from
 * who could as well have written the program itself:
 *
 * - root, we ourselves, or the owner of the program's file. A stranger's tmpfs,
 *   however it is mounted, holds files of the stranger. What is beside a user's
 *   own program is that user's, in a rootless container both are of the same
 *   subordinate uid. An uid that stands for all that are not known here (65534)
 *   is nobody's.
 * - no others may write it, and no group but the owner's own, which has the
 *   owner's number.
 * - a file system that is served by a process (FUSE) says of its files whatever that
 *   process likes: from there a debug file counts for a program of the same device
 *   alone, and on that of our root directory.
 * - in a user namespace that is not ours, anything can be mounted over such a file
 *   system, as an overlay, and hide what it is: of what a process there sees only
 *   the owner of the program is believed, and only if his uid is one that the
 *   namespace was given. Files of the host are found in our own root.
 *
 * So files of equal content but of two owners are two files (file_identity.c):
 * else who has a copy of a program could name its functions for the others.
 * Who is root in a container without a user namespace is root here, too, and is
 * believed. So is a network's file system, which root has mounted.
 */
#ifndef RINGPROF_SYM_FILE_OWNER_H
#define RINGPROF_SYM_FILE_OWNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct file_owner {
	uint64_t uid;	 /* 64 bits: no padding, it is compared */
	uint64_t served; /* the device, if a process serves it (FUSE); 0: not so */
};

/* Who the open file belongs to. Any thread, may wait for its file system. 0 or -errno */
int file_owner_get(int fd, struct file_owner *ret);

/* A root directory to look for debug files in. */
struct owner_root {
	int fd;	      /* O_PATH; owner_root_close */
	int process;  /* O_PATH of /proc/PID; -1: it is our own root */
	bool strange; /* of another user namespace than ours */
	uint64_t dev; /* of our own root directory, for what is served */
};

/* That of a process, pid 0: ours. 0 or -errno (then there is nothing to close). */
int owner_root_open(pid_t pid, struct owner_root *ret);
void owner_root_close(struct owner_root *r);
/* Is the open file, found there, believed when it speaks of a file of that owner? */
bool owner_believed(const struct owner_root *r, const struct file_owner *of, int fd);

#endif
