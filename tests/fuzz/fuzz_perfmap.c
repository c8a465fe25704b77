// SPDX-License-Identifier: GPL-2.0
/*
 * A perf map's bytes into a table, and look-ups in it: whatever it lists, a
 * table keeps its limit, and each look-up ends in a piece that covers the
 * address. The first byte is how much of the file is there at the first
 * reading, in 1/256; the rest comes later.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "fuzz_jit.h"
#include "sym/jit_int.h"

#define TABLE_BYTES 65536

struct target {
	struct jit_table *t;
	uint64_t time, first;
};

static void add(void *arg, uint64_t start, uint64_t end, uint64_t time, const char *name,
		size_t len, struct jit_lines *lines)
{
	struct target *to = arg;

	if (start >= end)
		abort();
	if (!to->first)
		to->first = start;
	jit_table_add(to->t, start, end, to->time, name, len, lines);
}

static void check(struct jit_table *t, uint64_t addr, uint64_t time)
{
	uint32_t v = jit_table_version(t, addr, time);
	struct jit_symbol s;

	if (jit_table_covers(t, addr) != jit_table_symbol(t, v, addr, &s))
		abort();
	if (t->bytes > TABLE_BYTES)
		abort();
}

static void look(struct target *to)
{
	struct jit_code *c;

	STAILQ_FOREACH(c, &to->t->all, link)
	{
		check(to->t, c->start, 0);
		check(to->t, c->end - 1, to->time);
	}
	check(to->t, to->first, 1);
	check(to->t, UINT64_MAX - 1, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jit *j = jit_new(&(struct jit_config){ .max_table_bytes = TABLE_BYTES });
	struct target to = { .t = jit_table_new(j), .time = 1 };
	struct jit_sink sink = { .arg = &to, .code = add };
	struct jit_place place = { .lines = NULL };
	struct jit_table *renewed;

	if (size) {
		struct jit_input in = { .fd = -1,
					.mem = data + 1,
					.size = (size - 1) * data[0] / 256 };

		fuzz_jit_read(&in, true, &place, &sink);
		in.size = size - 1;
		to.time = 2;
		fuzz_jit_read(&in, true, &place, &sink);
		if (place.at.off > in.size)
			abort();
	}
	look(&to);
	renewed = jit_table_renew(to.t);
	if (renewed && renewed->n_code > to.t->n_code)
		abort();
	jit_table_unref(renewed);
	jit_table_unref(to.t);
	jit_free(j);
	return 0;
}
