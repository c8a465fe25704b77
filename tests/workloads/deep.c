// SPDX-License-Identifier: GPL-2.0
/*
 * deep N [SECONDS] [thread]: spin at the end of a recursion of N frames
 *
 * Built three ways: `deep` starts in main as programs do (its root is libc's
 * _start, behind a libc without frame pointers); with `thread` the recursion
 * runs in a pthread; `deep-start` (OWN_START, -nostartfiles) has a _start of
 * its own that keeps the rules of the ABI: frame pointer 0 at the root.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "work.h"

static int64_t deadline;

NOINLINE static int deep_leaf(void)
{
	while (clock_ns(CLOCK_MONOTONIC) < deadline)
		spin(200000);
	return 1;
}

/* The addition after the call keeps it from becoming a jump. */
NOINLINE static int deep_recurse(int n)
{
	int r = n > 1 ? deep_recurse(n - 1) : deep_leaf();

	__asm__ volatile("" : "+r"(r));
	return r + 1;
}

NOINLINE static void *deep_thread(void *arg)
{
	int r = deep_recurse((int)(intptr_t)arg);

	__asm__ volatile("" : "+r"(r));
	return NULL;
}

static int deep(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 22;
	double seconds = argc > 2 ? atof(argv[2]) : 3;
	pthread_t t;

	deadline = clock_ns(CLOCK_MONOTONIC) + (int64_t)(seconds * 1e9);
	if (argc > 3 && !strcmp(argv[3], "thread")) {
		if (pthread_create(&t, NULL, deep_thread, (void *)(intptr_t)n))
			return 1;
		pthread_join(t, NULL);
		return 0;
	}
	return deep_recurse(n) == 0;
}

#ifdef OWN_START
__attribute__((used, noreturn)) static void start_c(long *sp)
{
	exit(deep((int)sp[0], (char **)(sp + 1)));
}

__asm__(".globl _start\n"
	".type _start, @function\n"
	"_start:\n"
	"	xor	%ebp, %ebp\n"
	"	mov	%rsp, %rdi\n"
	"	and	$-16, %rsp\n"
	"	call	start_c\n"
	"	hlt\n"
	".size _start, . - _start\n");
#else
int main(int argc, char **argv)
{
	int r = deep(argc, argv);

	__asm__ volatile("" : "+r"(r));
	return r;
}
#endif
