// SPDX-License-Identifier: GPL-2.0
/*
 * Puts spans of code together to one table: sorts them, keeps them apart,
 * fills gaps, and leaves out every row that changes nothing.
 *
 * Of two spans of one layer that overlap, the later one wins from where it
 * begins, as it does for unwinders that search .eh_frame_hdr.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "unwind/rows_int.h"

static const struct ringprof_segment *segment_of(const struct rows_builder *b, uint64_t vaddr)
{
	for (uint32_t i = 0; i < b->n_segments; i++)
		if (vaddr - b->segments[i].vaddr < b->segments[i].size)
			return &b->segments[i];
	return NULL;
}

bool rows_code_at(const struct rows_builder *b, uint64_t vaddr, void *dst, size_t n)
{
	const struct ringprof_segment *s = segment_of(b, vaddr);

	return s && n <= s->size - (vaddr - s->vaddr) &&
	       !elf_read(b->elf, s->offset + (vaddr - s->vaddr), dst, n);
}

static int add_span(struct rows_builder *b, struct rows_span span)
{
	struct rows_span *spans;

	if (b->n_spans > b->max_rows / 4)
		return -E2BIG; /* functions of one row each, by the million */
	spans = array_room(b->spans, &b->cap_spans, b->n_spans + 1, sizeof(*spans));
	if (!spans)
		return -ENOMEM;
	b->spans = spans;
	spans[b->n_spans++] = span;
	return 0;
}

int rows_begin(struct rows_builder *b, uint64_t start, uint64_t end)
{
	const struct ringprof_segment *s = segment_of(b, start);

	if (!s || end <= start || end - s->vaddr > s->size || end - b->base > UINT32_MAX)
		return -EINVAL;
	return add_span(b, (struct rows_span){ .start = (uint32_t)(start - b->base),
					       .end = (uint32_t)(end - b->base),
					       .first = (uint32_t)b->n_rows,
					       .origin = b->origin });
}

int rows_put(struct rows_builder *b, uint64_t pc, uint32_t rule)
{
	struct rows_span *s = &b->spans[b->n_spans - 1];
	struct ringprof_row *rows;

	if (s->n && b->rows[b->n_rows - 1].rule == rule)
		return 0;
	if (b->n_rows >= b->max_rows)
		return -E2BIG;
	rows = array_room(b->rows, &b->cap_rows, b->n_rows + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	b->rows = rows;
	rows[b->n_rows++] = (struct ringprof_row){ (uint32_t)(pc - b->base), rule };
	s->n++;
	return 0;
}

void rows_cut(struct rows_builder *b, uint64_t end)
{
	b->spans[b->n_spans - 1].end = (uint32_t)(end - b->base);
	b->spans[b->n_spans - 1].cut = true;
}

void rows_abandon(struct rows_builder *b)
{
	b->n_rows -= b->spans[--b->n_spans].n;
}

/* Rows were put in order of the spans: of two with one start the first put comes first. */
static int by_start(const void *a, const void *b)
{
	const struct rows_span *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* Makes the spans of the layer, sorted, not overlap each other. Gives their number. */
static size_t keep_apart(struct rows_builder *b, struct rows_span *s, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct rows_span *last = kept ? &s[kept - 1] : NULL;

		if (last && s[i].start < last->end) {
			b->n_bad_fdes++;
			if (s[i].start == last->start)
				continue; /* the same code twice */
			last->end = s[i].start;
		}
		s[kept++] = s[i];
	}
	return kept;
}

/* Moves the start of a span, and past the rows that are not in force any more. */
static void cut_start(const struct rows_builder *b, struct rows_span *s, uint32_t start)
{
	s->start = start;
	while (s->n > 1 && b->rows[s->first + 1].pc <= start) {
		s->first++;
		s->n--;
	}
}

/*
 * Adds the parts of [from, to) that the settled spans leave free. All are
 * sorted, so one pass over both does, and one over the rows.
 */
static int fill_free(struct rows_builder *b, size_t from, size_t to)
{
	size_t at = 0;
	int r = 0;

	for (size_t i = from; i < to && !r; i++) {
		struct rows_span s = b->spans[i];

		while (at < b->n_settled && b->spans[at].end <= s.start)
			at++;
		for (size_t j = at; j < b->n_settled && b->spans[j].start < s.end && !r; j++) {
			struct rows_span piece = s;

			piece.end = b->spans[j].start;
			if (piece.start < piece.end)
				r = add_span(b, piece);
			cut_start(b, &s, b->spans[j].end);
		}
		if (!r && s.start < s.end)
			r = add_span(b, s);
	}
	return r;
}

int rows_end_layer(struct rows_builder *b)
{
	size_t n = b->n_spans - b->n_settled;
	struct rows_span *s;
	int r = 0;

	if (!n)
		return 0;
	s = b->spans + b->n_settled;
	qsort(s, n, sizeof(*s), by_start);
	n = keep_apart(b, s, n);
	b->n_spans = b->n_settled + n;
	if (b->n_settled) {
		size_t from = b->n_settled, to = b->n_spans;

		r = fill_free(b, from, to);
		if (!r) {
			memmove(b->spans + from, b->spans + to,
				(b->n_spans - to) * sizeof(*b->spans));
			b->n_spans -= to - from;
			qsort(b->spans, b->n_spans, sizeof(*b->spans), by_start);
		}
	}
	if (!r)
		b->n_settled = b->n_spans;
	return r;
}

/* Adds a row to the table that is made; one that changes nothing is left out. */
static int emit(struct rows *t, size_t *cap, uint32_t max, uint32_t pc, uint32_t rule)
{
	struct ringprof_row *rows;

	if (t->n ? t->rows[t->n - 1].rule == rule : rule == RINGPROF_CFA_GAP)
		return 0;
	if (t->n >= max)
		return -E2BIG;
	rows = array_room(t->rows, cap, (size_t)t->n + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	t->rows = rows;
	rows[t->n++] = (struct ringprof_row){ pc, rule };
	return 0;
}

static int emit_span(const struct rows_builder *b, const struct rows_span *s, struct rows *t,
		     size_t *cap)
{
	const struct ringprof_row *rows;
	uint32_t before;
	int r = 0;

	if (!s->n)
		return 0;
	rows = b->rows + s->first;
	/* rows past the end of a span that was cut are in force nowhere */
	for (uint32_t i = 0; i < s->n && rows[i].pc < s->end && !r; i++) {
		if (i + 1 < s->n && rows[i + 1].pc <= s->start)
			continue;
		before = t->n;
		r = emit(t, cap, b->max_rows, rows[i].pc > s->start ? rows[i].pc : s->start,
			 rows[i].rule);
		t->n_by[s->origin] += t->n - before;
	}
	return r;
}

#define SYSCALL_SIZE 2 /* bytes of the instruction, 0f 05 */

static bool is_root(const struct rows_builder *b, const struct rows_span *s)
{
	return s->n && ringprof_rule_cfa(b->rows[s->first].rule) == RINGPROF_CFA_ROOT;
}

/*
 * The C library ends the information of clone() at its syscall instruction, as
 * what follows is wrong for the child, and begins the child's a few bytes on.
 * Both come back to between.
 */
static bool at_syscall(const struct rows_builder *b, const struct rows_span *s)
{
	uint8_t code[SYSCALL_SIZE];

	return !s->cut && is_root(b, &s[1]) && s[1].start - s->end > SYSCALL_SIZE &&
	       s[1].start - s->end < 16 && rows_code_at(b, b->base + s->end, code, sizeof(code)) &&
	       code[0] == 0x0f && code[1] == 0x05;
}

/*
 * Does the last rule hold on to the next function? Less than 16 bytes up to
 * code that begins at a multiple of 16 are padding, which never runs: a GAP
 * there would cost two rows a function.
 */
static bool joined(const struct rows_builder *b, const struct rows_span *s)
{
	uint32_t from = s->end, to = s[1].start;

	if (s->cut && from != to)
		return false;
	return from == to || (to - from < 16 && !((b->base + to) & 15));
}

/* What holds from the end of a span on. */
static int emit_end(const struct rows_builder *b, const struct rows_span *s, struct rows *t,
		    size_t *cap)
{
	bool last = s + 1 == b->spans + b->n_spans;
	uint32_t rule = t->n ? t->rows[t->n - 1].rule : RINGPROF_CFA_GAP;

	if (last || ringprof_rule_cfa(rule) != RINGPROF_CFA_SP || !at_syscall(b, s)) {
		if (!last && joined(b, s))
			return 0;
		return emit(t, cap, b->max_rows, s->end, RINGPROF_CFA_GAP);
	}
	t->n_by[s->origin]++;
	return emit(t, cap, b->max_rows, s->end + SYSCALL_SIZE,
		    ringprof_rule_by(rule, RINGPROF_CFA_CLONE));
}

int rows_finish(struct rows_builder *b, struct rows *ret)
{
	size_t cap = 0;
	int r = 0;

	for (size_t i = 0; i < b->n_spans && !r; i++) {
		const struct rows_span *s = &b->spans[i];

		r = emit_span(b, s, ret, &cap);
		if (!r)
			r = emit_end(b, s, ret, &cap);
	}
	for (uint32_t i = 0; i < ret->n; i++)
		ret->n_opaque += ret->rows[i].rule == RINGPROF_CFA_OPAQUE;
	return r;
}
