/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the allocator treats a program that runs for months: what was needed for
 * a moment (a file's rows being compiled, an answer) goes back to the system.
 */
#ifndef RINGPROF_BASE_MEMORY_H
#define RINGPROF_BASE_MEMORY_H

/* Of the whole process, before it has threads. */
void memory_setup(void);
/* Gives whole pages of freed memory back: after work that needed much, 1 ms for 20 MiB. */
void memory_trim(void);

#endif
