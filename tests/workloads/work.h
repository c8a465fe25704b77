/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the workloads share. They are linked at fixed addresses and keep their
 * frame pointers, so that a stack of raw addresses can be checked against nm.
 */
#ifndef RINGPROF_WORKLOADS_WORK_H
#define RINGPROF_WORKLOADS_WORK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

/* How long a workload runs: until a time of CLOCK_MONOTONIC, or so many rounds. */
struct work_span {
	int64_t begun, deadline; /* ns */
	long rounds;		 /* 0: until the deadline */
};

/* arg: seconds ("2.5"), or "xN": N rounds, the same work however fast it is done. */
static inline struct work_span work_begin(const char *arg)
{
	struct work_span w = { .begun = clock_ns(CLOCK_MONOTONIC), .deadline = 0, .rounds = 0 };

	if (arg[0] == 'x')
		w.rounds = atol(arg + 1);
	else
		w.deadline = w.begun + (int64_t)(atof(arg) * 1e9);
	return w;
}

/* To be asked before each round. Rounds are counted without a look at the clock. */
static inline int work_goes_on(struct work_span *w)
{
	if (w->deadline)
		return clock_ns(CLOCK_MONOTONIC) < w->deadline;
	return w->rounds-- > 0;
}

/* Given rounds: says how many ns they took, on stdout. */
static inline void work_end(const struct work_span *w)
{
	if (!w->deadline)
		printf("%lld\n", (long long)(clock_ns(CLOCK_MONOTONIC) - w->begun));
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
