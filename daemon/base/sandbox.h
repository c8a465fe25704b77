/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rights that a process gives up before it reads strangers' bytes: from
 * then on it has its memory and the descriptors that it holds or is sent, and
 * can do nothing but read, map memory, send and end. Whoever takes it over by a
 * crafted file has no more than that.
 */
#ifndef RINGPROF_BASE_SANDBOX_H
#define RINGPROF_BASE_SANDBOX_H

#include <stdint.h>

/*
 * No capability, no new ones, no core, no file written, memory up to max_memory
 * bytes of address space, no system call but those of the list in sandbox.c
 * (any other one is not there; a kernel that knows no filters has them all), an
 * end with the parent's thread. The user stays: it is changed before. For a
 * process with one thread; 0 or -errno.
 *
 * Under sanitizers, which need both, memory and system calls stay.
 */
int sandbox_enter(uint64_t max_memory);

#endif
