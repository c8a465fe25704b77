// SPDX-License-Identifier: GPL-2.0
/*
 * The code of a function, which may be anything. By its first byte it has a
 * size or not, and is entered from elsewhere. Whatever comes out: instructions
 * are of 1 to 15 bytes that are there, offsets ascend within the function, and
 * rules are ones that the module takes.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "ringprof/row_check.h"
#include "unwind/code.h"

struct seen {
	uint32_t next, len, edges;
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

static int put(void *arg, uint32_t off, uint32_t rule)
{
	struct seen *s = arg;

	require(off >= s->next && off < s->len);
	require(ringprof_rule_ok(rule));
	s->next = off + 1;
	return 0;
}

static int leave(void *arg, const struct code_edge *edge)
{
	struct seen *s = arg;

	require(edge->target < 0 || edge->target >= s->len);
	s->edges++;
	return 0;
}

static void decode_all(const uint8_t *code, size_t len)
{
	for (size_t at = 0; at < len;) {
		struct code_insn i;
		size_t n = code_decode(code + at, len - at, &i);

		require(n <= CODE_MAX_INSN && n <= len - at && n == (n ? i.len : 0));
		if (n)
			require(code_writes(&i) <= 0xffff);
		at += n ? n : 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct code_flow *flow;
	struct code_edge entries[2] = { { 0, -40, -16, -16, 0 }, { 7, -24, CODE_CALLERS, 0, 0 } };
	struct seen seen = { .next = 0 };
	struct code_function fn = { .put = put, .leave = leave, .arg = &seen, .entries = entries };
	struct code_result result;
	uint8_t *code;

	if (size < 2)
		return 0;
	if (!flow)
		flow = code_flow_new();
	fn.sized = data[0] & 1;
	fn.part = data[0] & 2;
	fn.n_entries = data[0] & 4 ? 2 : 0;
	seen.len = fn.len = (uint32_t)(size - 1);
	/* of its own: a byte read past it is seen */
	code = malloc(size - 1);
	if (!code || !flow)
		abort();
	memcpy(code, data + 1, size - 1);
	fn.code = code;
	decode_all(code, size - 1);
	if (code_function(flow, &fn, &result))
		require(!seen.next);
	else
		require(result.claimed <= fn.len);
	free(code);
	return 0;
}
