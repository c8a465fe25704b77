/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers that look random and are the same in every run.
 */
#ifndef RINGPROF_TESTS_RANDOM_H
#define RINGPROF_TESTS_RANDOM_H

#include <linux/types.h>

/* xorshift64; *state is the seed, never 0. */
static inline __u64 next_random(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
