/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A made-up host for tests/bench/pprof: the windows of a busy minute, and names
 * for all its places, as the symbolizer has them once they were asked for. In
 * numbers it is like a build machine: PPROF_WORLD_PLACES return addresses in some
 * tens of files, a quarter of which have no debug information; C++ and C names,
 * with lines and inlined functions; stacks that branch off each other and are
 * 28 frames deep in the middle. Equal in every run.
 */
#ifndef RINGPROF_BENCH_PPROF_WORLD_H
#define RINGPROF_BENCH_PPROF_WORLD_H

#include "store/store.h"

#define PPROF_WORLD_PLACES 30000U

/*
 * One window of n different stacks in which every place is; the caller's, to be
 * unreferenced. The names stay until the program ends. No memory ends the program.
 */
struct window *pprof_world(uint32_t n);

#endif
