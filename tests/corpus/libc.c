// SPDX-License-Identifier: GPL-2.0
/*
 * Much libc and its assembly: string functions, formatting, and libc's frames
 * between ours: sorting, searching, walking a tree, atexit.
 */
#include <search.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "corpus.h"

#define N 300

static int values[N];
static jmp_buf back;

static int compare(const void *a, const void *b)
{
	const int *x = a, *y = b;

	spin(SPIN / 50);
	return (*x > *y) - (*x < *y);
}

static void visit(const void *node, VISIT which, int depth)
{
	spin(SPIN / 20);
	__asm__ volatile("" : : "r"(node), "r"(which), "r"(depth));
}

NOINLINE static void sorted(void)
{
	int key = N / 3;

	for (int i = 0; i < N; i++)
		values[i] = (i * 7919) % N;
	qsort(values, N, sizeof(values[0]), compare);
	for (int i = 0; i < 50; i++)
		if (!bsearch(&key, values, N, sizeof(values[0]), compare))
			abort();
}

NOINLINE static void in_tree(void)
{
	void *root = NULL;

	for (int i = 0; i < 100; i++)
		tsearch(&values[(i * 31) % N], &root, compare);
	twalk(root, visit);
	while (root)
		tdelete(*(int *const *)root, &root, compare);
}

NOINLINE static size_t text(void)
{
	static char a[20000], b[20000];
	size_t n = 0;

	memset(a, 'a', sizeof(a) - 1);
	for (int i = 0; i < 20; i++) {
		memcpy(b, a, sizeof(b));
		b[sizeof(b) - 2] = (char)('b' + i);
		n += strlen(b) + (size_t)(strchr(b, 'b' + i) - b) + (size_t) !!strcmp(a, b) +
		     (size_t) !!memcmp(a, b, sizeof(a)) + (size_t) !!strstr(b, "ac");
		memmove(b + 1, b, sizeof(b) - 2);
	}
	return n;
}

NOINLINE static double formatted(void)
{
	char room[200];
	double d = 0;

	for (int i = 0; i < 40; i++) {
		snprintf(room, sizeof(room), "%d %s %.17g %x", i, "text", i + 1 / 7.0, i * 77);
		d += strtod(strrchr(room, ' ') - 10, NULL);
	}
	return d;
}

NOINLINE static void jump(int depth)
{
	spin(SPIN / 10);
	if (depth)
		jump(depth - 1);
	else if (values[1])
		longjmp(back, 1);
	__asm__ volatile("");
}

NOINLINE static void far_jumps(void)
{
	for (volatile int i = 0; i < 50; i++)
		if (!setjmp(back))
			jump(20);
}

static void *volatile sink;
NOINLINE static void memory(void)
{
	void *p[64] = { NULL };

	for (int i = 0; i < 2000; i++) {
		free(p[i & 63]);
		p[i & 63] = sink = malloc((size_t)(i * 37 % 3000) + 1);
	}
	for (int i = 0; i < 64; i++)
		free(p[i]);
}

int main(int argc, char **argv)
{
	corpus_begin(argc, argv);
	while (corpus_running()) {
		double d = formatted();
		size_t n = text();

		__asm__ volatile("" : : "x"(d), "r"(n));
		sorted();
		in_tree();
		far_jumps();
		memory();
	}
	return 0;
}
