/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files that verbs make. What is new is its owner's alone to read, as it tells
 * what the host runs; under sudo that owner is who ran sudo, who is to open it.
 */
#ifndef RINGPROF_CLI_OUTPUT_H
#define RINGPROF_CLI_OUTPUT_H

#include <stdio.h>

/* Where a verb writes; free of resources once output_end was called. */
struct output {
	FILE *f;
	char path[4096]; /* where the file is to be, links followed */
	char part[4096]; /* what it is called until it is whole; "": written as it comes */
};

/* Makes the file, which must not be there: a descriptor, or -errno. */
int output_create(const char *path);

/*
 * Opens a file that replaces path when it is whole, with mode and owner of what
 * was there; a device, a pipe or a socket is no file to replace, and gets what is
 * written as it comes. 0 or -errno: nothing was made then.
 */
int output_begin(struct output *o, const char *path);
/*
 * With r = 0 the file gets its name, with -errno it goes. Gives r, else what
 * went wrong: then path has what it had before.
 */
int output_end(struct output *o, int r);

#endif
