// SPDX-License-Identifier: GPL-2.0
/*
 * A symbol's name of any bytes, the first of which says how much room there is for its
 * readable form. libiberty itself is not built with the sanitizers: what they see
 * is its results, what it gives to malloc and memcpy, and how long it takes.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "sym/symbols.h"
#include "sym/symtab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t room;
	const char *said;
	char *name, *out;

	if (!size)
		return 0;
	room = data[0] == 255 ? SYM_NAME_MAX : data[0];
	name = calloc(1, size);
	out = malloc(room ? room : 1);
	if (name && out) {
		memcpy(name, data + 1, size - 1);
		said = sym_demangle(name, out, room);
		if (said != name && (said != out || !*out || strnlen(out, room) == room))
			abort();
	}
	free(name);
	free(out);
	return 0;
}
