/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs of the corpus share. They keep no frame pointers and do
 * nothing with their results: what counts is by which ways their functions
 * call each other. The judge reads the call graph from the compiled program,
 * so a compiler may inline, clone, split and reorder as it likes.
 *
 * Usage of every program: NAME [SECONDS of CPU time].
 */
#ifndef RINGPROF_CORPUS_H
#define RINGPROF_CORPUS_H

#include <stdlib.h>

#include "../workloads/work.h"

/* The value is used: the compiler neither drops what made it nor jumps instead of calling. */
#define KEEP(x) __asm__ volatile("" : "+r"(x))

#define SPIN 2000 /* iterations: a microsecond or so */

static int64_t corpus_deadline;

static inline void corpus_begin(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1;

	corpus_deadline = clock_ns(CLOCK_PROCESS_CPUTIME_ID) + (int64_t)(seconds * 1e9);
}

/* CPU time left? A system call: ask once for some hundred microseconds of work. */
static inline int corpus_running(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID) < corpus_deadline;
}

#endif
