// SPDX-License-Identifier: GPL-2.0
/*
 * Coroutines by a switch of a dozen instructions, as coroutine libraries have
 * it: the stack pointer changes within a function, and a coroutine begins in a
 * piece of assembly whose CFI says that there is no caller.
 */
#include "corpus.h"

#define N	   4
#define STACK_SIZE 65536

static char stacks[N][STACK_SIZE] __attribute__((aligned(64)));
static void *home, *others[N];
static int current;

void switch_to(void **save, void *load);
void coroutine_trampoline(void);

/* the six registers a call must give back, then the stack, then the same backwards */
__asm__(".text\n"
	".globl switch_to\n"
	".type switch_to, @function\n"
	"switch_to:\n"
	"	.cfi_startproc\n"
	"	push	%rbp\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	.cfi_rel_offset rbp, 0\n"
	"	push	%rbx\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push	%r12\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push	%r13\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push	%r14\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push	%r15\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	mov	%rsp, (%rdi)\n"
	"	mov	%rsi, %rsp\n"
	"	pop	%r15\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop	%r14\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop	%r13\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop	%r12\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop	%rbx\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop	%rbp\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	.cfi_restore rbp\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size switch_to, . - switch_to\n"
	".globl coroutine_trampoline\n"
	".type coroutine_trampoline, @function\n"
	"coroutine_trampoline:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined rip\n"
	"	xor	%ebp, %ebp\n"
	"	call	*%rbx\n"
	"	hlt\n"
	"	.cfi_endproc\n"
	".size coroutine_trampoline, . - coroutine_trampoline\n");

NOINLINE static long work(long n)
{
	spin(10 * SPIN);
	KEEP(n);
	return n + 1;
}

NOINLINE static long descend(int depth)
{
	long r;

	if (!depth) {
		r = work(depth);
		switch_to(&others[current], home);
		return r + work(r);
	}
	r = descend(depth - 1);
	KEEP(r);
	return r + 1;
}

static void coroutine(void)
{
	for (int i = 0;; i = (i + 1) % 20) {
		long r = descend(i);

		KEEP(r);
		/* and a stretch of nothing but switches */
		for (int j = 0; j < 100; j++)
			switch_to(&others[current], home);
	}
}

static void *prepare(char *stack)
{
	void **sp = (void **)(stack + STACK_SIZE - 64);

	*sp = (void *)coroutine_trampoline;
	*--sp = NULL;		   /* rbp */
	*--sp = (void *)coroutine; /* rbx */
	return sp - 4;		   /* r12 to r15 */
}

int main(int argc, char **argv)
{
	corpus_begin(argc, argv);
	for (int i = 0; i < N; i++)
		others[i] = prepare(stacks[i]);
	while (corpus_running())
		for (int i = 0; i < 2000; i++) {
			current = i % N;
			switch_to(&home, others[current]);
		}
	return 0;
}
