// SPDX-License-Identifier: GPL-2.0
/*
 * A jitdump's bytes into a table. The first byte is how much of the file is
 * there at the first reading, in 1/256; the rest comes later.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "fuzz_jit.h"
#include "sym/jit_int.h"

static void add(void *arg, uint64_t start, uint64_t end, uint64_t time, const char *name,
		size_t len, struct jit_lines *lines)
{
	if (start >= end)
		abort();
	jit_table_add(arg, start, end, time, name, len, lines);
}

static void move(void *arg, uint64_t old, uint64_t start, uint64_t size, uint64_t time)
{
	enum jit_add a;

	if (!size || start > UINT64_MAX - size)
		abort();
	jit_table_move(arg, old, start, size, time, &a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jit *j = jit_new(&(struct jit_config){ .max_table_bytes = 65536 });
	struct jit_table *t = jit_table_new(j);
	struct jit_sink sink = { .arg = t, .code = add, .move = move };
	struct jit_place place = { .lines = NULL };
	struct jit_symbol s;
	struct jit_code *code;

	if (size) {
		struct jit_input in = { .fd = -1,
					.mem = data + 1,
					.size = (size - 1) * data[0] / 256 };

		if (fuzz_jit_read(&in, false, &place, &sink) >= 0) {
			in.size = size - 1;
			fuzz_jit_read(&in, false, &place, &sink);
		}
	}
	STAILQ_FOREACH(code, &t->all, link)
	if (!jit_table_symbol(t, code->version, code->start, &s) || strcmp(s.name, code->name) != 0)
		abort();
	jit_place_done(&place);
	jit_table_unref(t);
	jit_free(j);
	return 0;
}
