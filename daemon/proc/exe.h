/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a program's file says of itself: build-id, and the version that its
 * builder wrote into it: a package note (.note.package, JSON), else Go's build
 * information (the main module's version, else its VCS revision).
 *
 * Takes a descriptor, keeps no state, any thread. The file may lie: reads are
 * bounded, texts that hold control characters are no versions.
 */
#ifndef RINGPROF_PROC_EXE_H
#define RINGPROF_PROC_EXE_H

#include <stdint.h>

#define EXE_VERSION_MAX 128

struct exe_facts {	   /* "" where nothing is said */
	char build_id[81]; /* hex */
	char version[EXE_VERSION_MAX];
};

/* 0, also for a file that says nothing; -ENOEXEC: no ELF of this host; -errno. */
int exe_read(int fd, uint64_t size, struct exe_facts *ret);

#endif
