/* SPDX-License-Identifier: GPL-2.0 */
/* What a reader says of a file's bytes, as the daemon takes it. */
#ifndef RINGPROF_TESTS_FUZZ_JIT_H
#define RINGPROF_TESTS_FUZZ_JIT_H

#include <errno.h>
#include <stdlib.h>

#include "sym/jit_msg.h"

/* All that is there; the last batch's status. An honest answer is never refused. */
static inline int fuzz_jit_read(const struct jit_input *in, bool is_map, struct jit_place *place,
				struct jit_sink *sink)
{
	int r;

	do {
		const struct jit_question q = { .at = place->at, .is_map = is_map };
		struct buf b = { 0 };

		jit_read_batch(in, &q, &b);
		r = jit_take_answer(b.data, b.len, place, sink);
		if (b.len > JIT_MAX_ANSWER || r == -EPROTO)
			abort();
		buf_free(&b);
	} while (r > 0);
	return r;
}

#endif
