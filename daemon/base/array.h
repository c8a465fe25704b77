/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Growth of plain arrays, whose owner keeps pointer, length and capacity. The
 * owner also sets the limit: this knows none.
 */
#ifndef RINGPROF_BASE_ARRAY_H
#define RINGPROF_BASE_ARRAY_H

#include <stddef.h>

/*
 * Makes room for `want` items of `item` bytes in p, which has room for *cap of
 * them (0 with NULL). Gives the array, perhaps moved; its new items are not
 * initialized. NULL: no memory, p and *cap stay as they were. Free with free.
 */
void *array_room(void *p, size_t *cap, size_t want, size_t item);

#endif
