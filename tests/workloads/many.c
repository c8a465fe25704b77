// SPDX-License-Identifier: GPL-2.0
/*
 * many SECONDS: goes around in thousands of functions without frame pointers,
 * so that its unwind rows take some 300 KiB. They are written in assembly: a
 * compiler takes 10 s for as many.
 */
#include <stdlib.h>

#include "work.h"

#define COUNT	 9216
#define BYTES	 32 /* of a function, see .p2align */
#define TEXT(x)	 #x
#define VALUE(x) TEXT(x)

long work(long x);
extern char many[]; /* COUNT functions, long (*)(long), side by side */

__asm__(".text\n"
	".p2align 5\n"
	".globl many\n"
	".type many, @function\n"
	"many:\n"
	".rept " VALUE(COUNT) "\n"
			      ".cfi_startproc\n"
			      "push %rbx\n"
			      ".cfi_def_cfa_offset 16\n"
			      ".cfi_offset %rbx, -16\n"
			      "mov %rdi, %rbx\n"
			      "call work\n"
			      "add %rbx, %rax\n"
			      "pop %rbx\n"
			      ".cfi_def_cfa_offset 8\n"
			      "ret\n"
			      ".cfi_endproc\n"
			      ".p2align 5\n"
			      ".endr\n"
			      ".size many, . - many\n");

NOINLINE long work(long x)
{
	spin(20000);
	return x * 31;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1;
	int64_t end = clock_ns(CLOCK_MONOTONIC) + (int64_t)(seconds * 1e9);
	unsigned long i = 0;
	long x = 0;

	while (clock_ns(CLOCK_MONOTONIC) < end) {
		x += ((long (*)(long))(uintptr_t)(many + i % COUNT * BYTES))(x);
		i += 37;
	}
	return x == 42;
}
