/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Separate debug files of stripped programs: DIR/.build-id/xx/yyyy.debug, and
 * what .gnu_debuglink names in the file's directory, in its .debug, and in
 * DIR/its directory; each in the process's root first, then in our own. One
 * counts only if its build-id is the file's, or, without build-ids, if its
 * CRC-32 is the one that the link states.
 */
#ifndef RINGPROF_SYM_DEBUGFILE_H
#define RINGPROF_SYM_DEBUGFILE_H

#include <sys/types.h>

#include "sym/elf_image.h"

#define DEBUG_DIRS "/usr/lib/debug"

/*
 * Adds the .symtab of the debug file of `main`, which was found at `path` in
 * a root of process `pid` (0: ours). 1 found, 0 there is none, -ENOMEM.
 */
int debugfile_add_symtab(struct elf_image *main, const char *path, pid_t pid, const char *dirs,
			 struct symtab_builder *b);

#endif
