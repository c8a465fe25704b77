// SPDX-License-Identifier: GPL-2.0
/* Coroutines by ucontext: each on a stack of its own, from makecontext(3) on. */
#include <ucontext.h>

#include "corpus.h"

#define N 4

static ucontext_t home, others[N];
static char stacks[N][1 << 16];
static int current;

NOINLINE static long work(long n)
{
	spin(10 * SPIN);
	KEEP(n);
	return n + 1;
}

NOINLINE static void give_way(void)
{
	swapcontext(&others[current], &home);
}

/* gives way from somewhere deep */
NOINLINE static long descend(int depth)
{
	long r;

	if (!depth) {
		r = work(depth);
		give_way();
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
		give_way();
	}
}

int main(int argc, char **argv)
{
	corpus_begin(argc, argv);
	for (int i = 0; i < N; i++) {
		getcontext(&others[i]);
		others[i].uc_stack.ss_sp = stacks[i];
		others[i].uc_stack.ss_size = sizeof(stacks[i]);
		makecontext(&others[i], coroutine, 0);
	}
	while (corpus_running())
		for (int i = 0; i < 40; i++) {
			current = i % N;
			swapcontext(&home, &others[current]);
		}
	return 0;
}
