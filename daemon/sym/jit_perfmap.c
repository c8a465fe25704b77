// SPDX-License-Identifier: GPL-2.0
/*
 * Perf maps: lines "START SIZE NAME", numbers in hex, with or without 0x, the
 * name to the end of the line, spaces and all. A line without its newline yet
 * is left for the next time: its writer is still at it.
 *
 * No state but the cursor. Any thread.
 */
#include <errno.h>
#include <string.h>

#include "sym/jit_msg.h"

static const char *hex(const char *p, const char *end, uint64_t *ret)
{
	const char *start;
	uint64_t v = 0;

	if (end - p > 2 && p[0] == '0' && (p[1] | 32) == 'x')
		p += 2;
	for (start = p; p < end && p - start < 16; p++) {
		unsigned int c = (unsigned char)*p;
		unsigned int d = c - '0' < 10	      ? c - '0'
				 : (c | 32) - 'a' < 6 ? (c | 32) - 'a' + 10
						      : 16;

		if (d > 15)
			break;
		v = v << 4 | d;
	}
	*ret = v;
	return p > start && p < end && *p == ' ' ? p + 1 : NULL;
}

static void parse_line(const char *p, const char *end, struct jit_out *o)
{
	uint64_t start, size;

	p = hex(p, end, &start);
	p = p ? hex(p, end, &size) : NULL;
	/* some JITs list what they have no length of; it could name nothing else */
	if (!p || p == end || !size || size > JIT_MAX_CODE || start > UINT64_MAX - size) {
		o->bad++;
		return;
	}
	if (end[-1] == '\r' && end - p > 1)
		end--;
	o->taken++;
	jit_put_code(o, start, size, 0, p, (size_t)(end - p));
}

/* Takes the whole lines of a chunk; gives the bytes taken. */
static size_t parse_lines(const char *text, size_t len, struct jit_cursor *c, struct jit_out *o)
{
	const char *p = text, *end = text + len, *nl;

	while (p < end && (nl = memchr(p, '\n', (size_t)(end - p)))) {
		if (!c->skip)
			parse_line(p, nl, o);
		c->skip = 0;
		p = nl + 1;
	}
	return (size_t)(p - text);
}

int perfmap_parse(const struct jit_input *in, struct jit_cursor *c, struct jit_out *o)
{
	/* a line longer than that names nothing */
	char chunk[JIT_MAX_CHUNK];
	uint64_t begun = c->off;

	for (;;) {
		ssize_t n = jit_input_read(in, c->off, chunk, sizeof(chunk));
		size_t taken;

		if (n <= 0)
			return (int)n;
		taken = parse_lines(chunk, (size_t)n, c, o);
		if (!taken && (size_t)n < sizeof(chunk))
			return 0; /* a line that is not whole yet */
		if (!taken) {
			o->bad += !c->skip;
			c->skip = 1;
			taken = sizeof(chunk);
		}
		c->off += taken;
		if (jit_enough(o, begun, c->off))
			return 1;
	}
}
