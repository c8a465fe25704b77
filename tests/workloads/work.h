/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the workloads share. They are linked at fixed addresses and keep their
 * frame pointers, so that a stack of raw addresses can be checked against nm.
 */
#ifndef RINGPROF_WORKLOADS_WORK_H
#define RINGPROF_WORKLOADS_WORK_H

#include <stdint.h>
#include <time.h>

#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone))
#endif

static inline int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* Iterations that the compiler can neither drop nor shorten. */
static inline __attribute__((always_inline)) void spin(uint64_t n)
{
	while (n--)
		__asm__ volatile("" ::: "memory");
}

/*
 * Makes the function set up a frame: without it gcc leaves out the frame of a
 * leaf even under -mno-omit-leaf-frame-pointer, and its caller is skipped.
 */
#define KEEP_FRAME() __asm__ volatile("" : : "r"(__builtin_frame_address(0)))

#endif
