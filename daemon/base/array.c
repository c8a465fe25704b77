// SPDX-License-Identifier: GPL-2.0
/*
 * Growth by half: appending stays linear in the end, and what stands in the
 * byte limits of the owners is at most half more than what they use.
 */
#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>

#define FIRST_CAP 8

void *array_room(void *p, size_t *cap, size_t want, size_t item)
{
	size_t n = *cap > FIRST_CAP ? *cap : FIRST_CAP, bytes;
	void *q;

	if (p && want <= *cap)
		return p;
	if (want > SIZE_MAX / 2)
		return NULL;
	while (n < want)
		n += n / 2;
	if (__builtin_mul_overflow(n, item, &bytes))
		return NULL;
	q = realloc(p, bytes);
	if (q)
		*cap = n;
	return q;
}
