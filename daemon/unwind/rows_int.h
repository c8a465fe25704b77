/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the makers of rows share: a cursor over bytes that lie, and the builder
 * that puts the code ranges of several sources together.
 *
 * A source (.eh_frame, .debug_frame, .gopclntab, the entry point) puts spans,
 * one a function, in any order; rows_end_layer settles them: later layers fill
 * only what earlier ones left free. Everything is of one call of rows_of_*.
 */
#ifndef RINGPROF_UNWIND_ROWS_INT_H
#define RINGPROF_UNWIND_ROWS_INT_H

#include <stdbool.h>
#include <string.h>

#include "ringprof/row.h"
#include "sym/elf_image.h"
#include "unwind/rows.h"

#define ROWS_MAX_BYTES (128U << 20)

/* DWARF numbers */
#define ROWS_REG_BP 6
#define ROWS_REG_SP 7
#define ROWS_REG_RA 16

/* Reads past the end give 0 and set bad, which stays; checked once after a group of reads. */
struct cursor {
	const uint8_t *p, *end;
	bool bad;
};

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

static inline const uint8_t *cursor_take(struct cursor *c, uint64_t n)
{
	const uint8_t *p = c->p;

	if (n > cursor_left(c)) {
		c->bad = true;
		c->p = c->end;
		return NULL;
	}
	c->p += n;
	return p;
}

/* A number of n <= 8 bytes in the host's order. */
static inline uint64_t cursor_uint(struct cursor *c, size_t n)
{
	const uint8_t *p = cursor_take(c, n);
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, n); /* little endian: x86-64 is what rows are of */
	return v;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	return (uint8_t)cursor_uint(c, 1);
}

uint64_t cursor_uleb(struct cursor *c);
int64_t cursor_sleb(struct cursor *c);

/* code [start, end) from base, by rows [first, first + n) of the builder */
struct rows_span {
	uint32_t start, end;
	uint32_t first, n;
	enum rows_origin origin;
	bool cut;  /* code follows that nothing is known of, not padding */
	bool head; /* by code: a function begins here, not what is known of it again */
};

struct rows_builder {
	struct elf_image *elf;
	uint64_t base;
	struct ringprof_segment segments[RINGPROF_MAX_SEGMENTS];
	uint32_t n_segments;
	size_t max_bytes;
	uint32_t max_rows;
	struct ringprof_row *rows;
	size_t n_rows, cap_rows;
	struct rows_span *spans;
	size_t n_spans, cap_spans;
	size_t n_settled; /* spans of the layers before, sorted, apart from each other */
	uint32_t n_fdes, n_bad_fdes;
	enum rows_origin origin; /* of the spans begun from now on */
};

/* Copies n bytes of code; false: no segment has them all. */
bool rows_code_at(const struct rows_builder *b, uint64_t vaddr, void *dst, size_t n);
/* Begins the span of a function; 0, -EINVAL not within executable bytes, -E2BIG, -ENOMEM. */
int rows_begin(struct rows_builder *b, uint64_t start, uint64_t end);
/* The rule from pc on; ascending from the span's start. 0, -E2BIG, -ENOMEM. */
int rows_put(struct rows_builder *b, uint64_t pc, uint32_t rule);
/* Ends the span begun last there, in the middle of code. */
void rows_cut(struct rows_builder *b, uint64_t end);
/* Takes the span begun last back. */
void rows_abandon(struct rows_builder *b);
/* Settles what was put since the last one. 0; -E2BIG, -ENOMEM: only what was settled before is good. */
int rows_end_layer(struct rows_builder *b);
/* Moves what was built into ret (zeroed); 0, -E2BIG, -ENOMEM. */
int rows_finish(struct rows_builder *b, struct rows *ret);

/* The sources: one layer each. 1: there was something, 0: nothing, -errno. */
int rows_add_context(struct rows_builder *b);
int rows_add_eh_frame(struct rows_builder *b);
int rows_add_debug_frame(struct rows_builder *b);
int rows_add_go(struct rows_builder *b);
int rows_add_entry(struct rows_builder *b);
int rows_add_code(struct rows_builder *b);

/*
 * Copy of a section, unpacked if it is compressed. 1; 0: there is none; -E2BIG
 * over the limit, -ENOMEM, -EIO.
 */
int rows_section(struct rows_builder *b, const char *name, uint8_t **ret, uint64_t *vaddr,
		 size_t *len);
/* .eh_frame, found by its program header where section headers are gone. */
int rows_eh_frame(struct rows_builder *b, uint8_t **ret, uint64_t *vaddr, size_t *len);

#endif
