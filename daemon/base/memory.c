// SPDX-License-Identifier: GPL-2.0
#include "base/memory.h"

#include <malloc.h>

/*
 * glibc would raise it to the size of the largest block that was ever freed,
 * up to 32 MiB, and keep blocks below it in its arenas, between small ones that
 * stay. What is this large is asked for some times a second at most, so a
 * system call each does not count.
 */
#define MMAP_BYTES (256 << 10)
/* eight a CPU by default, each with holes of its own; few threads allocate at a time */
#define ARENAS 2

void memory_setup(void)
{
	mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	mallopt(M_ARENA_MAX, ARENAS);
}

void memory_trim(void)
{
	malloc_trim(0);
}
