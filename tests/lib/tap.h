/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TAP for unit tests in C: each test program lists its tests and runs them.
 *
 *	TEST(ring_wraps) { CHECK(x == 1); CHECK_EQ(a, b); CHECK_STR(s, "t"); }
 *	int main(void) { return tap_main(); }
 *
 * A failed CHECK prints where and ends that test. SKIP("reason") counts as a
 * skip, which CI does not take lightly.
 */
#ifndef RINGPROF_TESTS_TAP_H
#define RINGPROF_TESTS_TAP_H

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

struct tap_test {
	const char *name;
	void (*fn)(void);
};

static struct tap_test tap_tests[512];
static int tap_n;
static jmp_buf tap_jump;
static const char *tap_skip_why;

#define TEST(id)                                                          \
	static void test_##id(void);                                      \
	__attribute__((constructor)) static void tap_add_##id(void)       \
	{                                                                 \
		tap_tests[tap_n++] = (struct tap_test){ #id, test_##id }; \
	}                                                                 \
	static void test_##id(void)

#define TAP_FAIL(...)                                    \
	do {                                             \
		printf("# %s:%d: ", __FILE__, __LINE__); \
		printf(__VA_ARGS__);                     \
		printf("\n");                            \
		longjmp(tap_jump, 1);                    \
	} while (0)

#define CHECK(cond)                            \
	do {                                   \
		if (!(cond))                   \
			TAP_FAIL("%s", #cond); \
	} while (0)

#define CHECK_EQ(a, b)                                                            \
	do {                                                                      \
		long long tap_a = (long long)(a), tap_b = (long long)(b);         \
		if (tap_a != tap_b)                                               \
			TAP_FAIL("%s is %lld, %s is %lld", #a, tap_a, #b, tap_b); \
	} while (0)

#define CHECK_STR(a, b)                                                                    \
	do {                                                                               \
		const char *tap_a = (a), *tap_b = (b);                                     \
		if (!tap_a || !tap_b || strcmp(tap_a, tap_b))                              \
			TAP_FAIL("%s is \"%s\", not \"%s\"", #a, tap_a ? tap_a : "(null)", \
				 tap_b ? tap_b : "(null)");                                \
	} while (0)

#define SKIP(why)                     \
	do {                          \
		tap_skip_why = (why); \
		longjmp(tap_jump, 2); \
	} while (0)

__attribute__((unused)) static int tap_main(void)
{
	volatile int failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%d\n", tap_n);
	for (volatile int i = 0; i < tap_n; i++) {
		int r = setjmp(tap_jump);

		if (!r)
			tap_tests[i].fn();
		if (r == 1)
			failed++;
		printf("%s %d - %s%s%s\n", r == 1 ? "not ok" : "ok", i + 1, tap_tests[i].name,
		       r == 2 ? " # SKIP " : "", r == 2 ? tap_skip_why : "");
	}
	return failed != 0;
}

#endif
