// SPDX-License-Identifier: GPL-2.0
/*
 * deep N [SECONDS | xROUNDS] [thread | settle]: spin at the end of a recursion of N frames
 *
 * Built three ways: `deep` starts in main as programs do (its root is libc's
 * _start, behind a libc without frame pointers); with `thread` the recursion
 * runs in a pthread; `deep-start` (OWN_START, -nostartfiles) has a _start of
 * its own that keeps the rules of the ABI: frame pointer 0 at the root.
 */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "work.h"

static const char *amount = "3";
static int settle;

/*
 * 16 seconds, mostly asleep: for 10 of them ringprof.ko looks at the pages of
 * files that it saw come, then it believes its list (kmod/mm_read.c).
 */
NOINLINE static void deep_settle(void)
{
	for (int i = 0; i < 160; i++) {
		spin(200000);
		usleep(100000);
	}
}

NOINLINE static int deep_leaf(void)
{
	struct work_span w;

	if (settle)
		deep_settle();
	w = work_begin(amount);
	while (work_goes_on(&w))
		spin(200000);
	work_end(&w);
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
	pthread_t t;

	if (argc > 2)
		amount = argv[2];
	settle = argc > 3 && !strcmp(argv[3], "settle");
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
