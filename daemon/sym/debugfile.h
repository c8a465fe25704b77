/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Separate debug files of stripped programs: DIR/.build-id/xx/yyyy.debug,
 * DIR/xxyyyy.debug (so they come from debuginfod servers, sym/debuginfod.h), and
 * what .gnu_debuglink names in the file's directory, in its .debug, and in
 * DIR/its directory; each in the process's root first, then in our own. One
 * counts only if its build-id is the file's, or, without build-ids, if its
 * CRC-32 is the one that the link states.
 *
 * And what a debug file leaves to others: the file of .gnu_debugaltlink that
 * dwz moved common parts to, and .dwo and .dwp files of split DWARF.
 *
 * No state, any thread; any call may wait for a slow file system.
 */
#ifndef RINGPROF_SYM_DEBUGFILE_H
#define RINGPROF_SYM_DEBUGFILE_H

#include <limits.h>
#include <sys/types.h>

#include "sym/elf_image.h"

#define DEBUG_DIRS "/usr/lib/debug"

struct debugfile {
	int fd; /* the caller's to close; -1: none */
	uint64_t size;
	char path[PATH_MAX]; /* in the root it was found in */
};

/*
 * Finds the debug file of `main` that has bytes in the section of that name.
 * main was found at `path` in a root of process `pid` (0: ours). 0, -ENOENT
 * there is none.
 */
int debugfile_find(struct elf_image *main, const char *path, pid_t pid, const char *dirs,
		   const char *section, struct debugfile *ret);

/*
 * The file that `e` (found at `path`) refers to by .gnu_debugaltlink: as the
 * link says, in DIR/.dwz, or by build-id, which must be the link's. 0, -ENOENT.
 */
int debugfile_find_alt(struct elf_image *e, const char *path, pid_t pid, const char *dirs,
		       struct debugfile *ret);
/*
 * The file with the split unit `name` of `dir` for a program at `path`:
 * path.dwp, else the .dwo as it is named, else beside the program. Whether it
 * is the right one only its id says. 0, -ENOENT.
 */
int debugfile_find_split(const char *path, pid_t pid, const char *dir, const char *name,
			 struct debugfile *ret);

#endif
