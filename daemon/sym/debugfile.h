/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Separate debug files of stripped programs: DIR/.build-id/xx/yyyy.debug,
 * DIR/xxyyyy.debug (so they come from debuginfod servers, sym/debuginfod.h), and
 * what .gnu_debuglink names in the file's directory, in its .debug, and in
 * DIR/its directory; each in our own root first, then in the process's. One
 * counts only if its build-id is the file's, or, without build-ids, if its
 * CRC-32 is the one that the link states; and as anybody can state these, only
 * from who may speak of that file (file_owner.h).
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
#include "sym/file_owner.h"

#define DEBUG_DIRS "/usr/lib/debug"

struct debugfile {
	int fd; /* the caller's to close; -1: none */
	uint64_t size;
	char path[PATH_MAX]; /* in the root it was found in */
};

/* The file that something is searched for. */
struct debugfile_of {
	const char *path;	 /* where it was found, in a root of that process */
	pid_t pid;		 /* 0: in our own */
	struct file_owner owner; /* of the program, also where a debug file leads to others */
	const char *dirs;	 /* colon separated; NULL: DEBUG_DIRS */
};

/*
 * Finds the debug file of `main` that has bytes in the section of that name. 0,
 * -ENOENT there is none.
 */
int debugfile_find(struct elf_image *main, const struct debugfile_of *of, const char *section,
		   struct debugfile *ret);

/*
 * The file that `e` (found at of->path) refers to by .gnu_debugaltlink: as the
 * link says, in DIR/.dwz, or by build-id, which must be the link's. 0, -ENOENT.
 */
int debugfile_find_alt(struct elf_image *e, const struct debugfile_of *of, struct debugfile *ret);
/*
 * The file with the split unit `name` of `dir` for a program at of->path:
 * path.dwp, else the .dwo as it is named, else beside the program. Whether it
 * is the right one only its id says. 0, -ENOENT.
 */
int debugfile_find_split(const struct debugfile_of *of, const char *dir, const char *name,
			 struct debugfile *ret);

#endif
