// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of functions that no unwind information covers, from their code: Rust
 * without unwinding, C built without tables, start files.
 *
 * Where functions begin the symbols tell; where those are gone, the calls that
 * are found in the file's code, and after these the pointers to code. A pointer
 * can also lead into the middle of a function, so it has to prove itself:
 * aligned, in code that is not understood yet, and with a way back to its caller.
 *
 * A function without a size may go on into parts of others, where compilers put
 * what is rarely run. What those jump there with is gathered first, by a round or
 * two without rows, and held against what comes from the function itself.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "unwind/rows_code.h"

/* instructions gone along: compilers' code takes one a byte */
#define MAX_WORK  4
#define FREE_WORK (16U << 20)
#define MAX_EDGES (1U << 20)

/* Sorts, drops doubles, and lets each end where the next one or its gap does. */
static void settle(struct code_search *c)
{
	code_drop_doubles(c->funcs, &c->n_funcs);
	for (size_t i = 0; i < c->n_funcs; i++) {
		struct code_func *f = &c->funcs[i];
		uint64_t end = code_gap_of(c, f->start)->end;

		if (i + 1 < c->n_funcs && c->funcs[i + 1].start < end)
			end = c->funcs[i + 1].start;
		f->sized = f->end > f->start && f->end <= end;
		if (!f->sized)
			f->end = end;
	}
}

/* One function at hand: its rows go to the builder as spans of what is known of it. */
struct target {
	struct code_search *c;
	const struct code_func *f;
	bool open; /* a span was begun and goes on */
	size_t spans;
	size_t found; /* edges of those before it */
};

static int put(void *arg, uint32_t off, uint32_t rule)
{
	struct target *t = arg;
	uint64_t at = t->f->start + off;
	int r = 0;

	if (rule == RINGPROF_CFA_GAP) {
		if (t->open)
			rows_cut(t->c->b, at);
		t->open = false;
		return 0;
	}
	if (!t->open) {
		r = rows_begin(t->c->b, at, t->f->end);
		t->open = !r;
		t->spans += !r;
		if (!r)
			t->c->b->spans[t->c->b->n_spans - 1].head = !off && !t->f->part;
	}
	return r ? r : rows_put(t->c->b, at, rule);
}

static const struct code_func *func_of(const struct code_search *c, uint64_t at)
{
	size_t from = 0, n = c->n_funcs;

	while (n > 1) {
		size_t half = n / 2;

		if (c->funcs[from + half].start <= at)
			from += half;
		n -= half;
	}
	return n && c->funcs[from].start <= at && at < c->funcs[from].end ? &c->funcs[from] : NULL;
}

static void forget_edges(void *arg)
{
	const struct target *t = arg;

	t->c->n_found = t->found;
}

/* Where one begins that is understood by now, or one of the PLT's entries, which have a span together. */
static bool is_function(void *arg, int64_t target)
{
	const struct target *t = arg;
	const struct rows_builder *b = t->c->b;
	uint64_t at = t->f->start + (uint64_t)target;
	size_t i = code_first_span(b, at);
	const struct rows_span *s;

	if (code_in_plt(t->c, at))
		return true;
	if (i == b->n_settled)
		return false;
	s = &b->spans[i];
	return at == b->base + s->start && (s->head || s->origin != ROWS_CODE);
}

/*
 * Jumps to where a function begins, as a call would, say nothing new. If they leave another stack
 * than a call does, one of the two is no function.
 */
static int leave(void *arg, const struct code_edge *edge)
{
	struct target *t = arg;
	struct code_search *c = t->c;
	uint64_t at = t->f->start + (uint64_t)edge->target;
	const struct code_func *f = func_of(c, at);
	struct code_edge *edges;

	if (!f || c->n_found >= MAX_EDGES ||
	    (f->start == at && !f->part && (edge->sp == -8 || edge->sp == CODE_UNKNOWN)))
		return 0;
	edges = array_room(c->found, &c->cap_found, c->n_found + 1, sizeof(*edges));
	if (!edges)
		return -ENOMEM;
	c->found = edges;
	edges[c->n_found] = *edge;
	edges[c->n_found++].target = (int64_t)at;
	return 0;
}

static int by_target(const void *a, const void *b)
{
	const struct code_edge *x = a, *y = b;

	return x->target < y->target ? -1 : x->target > y->target;
}

/* What was found is what counts from now on. */
static void take_edges(struct code_search *c)
{
	free(c->edges);
	c->edges = c->found;
	c->n_edges = c->n_found;
	c->found = NULL;
	c->n_found = c->cap_found = 0;
	if (c->n_edges)
		qsort(c->edges, c->n_edges, sizeof(*c->edges), by_target);
}

/* The edges into f, made relative to it. Functions are asked for in order: *at moves with them. */
static uint32_t entries_of(struct code_search *c, const struct code_func *f, size_t *at,
			   const struct code_edge **ret)
{
	size_t n = 0;

	*ret = NULL;
	if (!c->n_edges)
		return 0;
	while (*at < c->n_edges && (uint64_t)c->edges[*at].target < f->start)
		++*at;
	*ret = c->edges + *at;
	while (*at + n < c->n_edges && (uint64_t)c->edges[*at + n].target < f->end)
		c->edges[*at + n++].target -= (int64_t)f->start;
	*at += n;
	return (uint32_t)n;
}

/* The function's bytes, or as many as are looked at; NULL: it is left out. */
static const uint8_t *load(struct code_search *c, const struct code_func *f, uint32_t *len)
{
	uint64_t n = f->end - f->start;
	uint8_t *code;

	*len = n < CODE_MAX_FUNCTION ? (uint32_t)n : CODE_MAX_FUNCTION;
	if (*len > CODE_MAX_BYTES - c->looked_at)
		return NULL;
	c->looked_at += *len;
	code = array_room(c->code, &c->cap_code, *len, 1);
	if (!code)
		return NULL;
	c->code = code;
	return code_read(c, f->start, code, *len) ? NULL : code;
}

/* Nothing is known of f; one so small would be taken for padding. */
static int deny(struct code_search *c, const struct code_func *f)
{
	int r;

	if (f->end - f->start >= 16)
		return 0;
	r = rows_begin(c->b, f->start, f->end);
	return r ? r : rows_put(c->b, f->start, RINGPROF_CFA_GAP);
}

/* rows: put them; else edges alone are gathered. 0 also when nothing came of it. */
static int look_at(struct code_search *c, const struct code_func *f, size_t *edge, bool rows)
{
	struct target t = { .c = c, .f = f, .found = c->n_found };
	struct code_function fn = { .start = f->start,
				    .put = rows ? put : NULL,
				    .leave = rows ? NULL : leave,
				    .again = forget_edges,
				    .is_function = f->pointer ? is_function : NULL,
				    .arg = &t,
				    .part = f->part,
				    .sized = f->sized };
	struct code_result result = { .work = 0 };
	int r;

	fn.n_entries = entries_of(c, f, edge, &fn.entries);
	if (!f->part || fn.n_entries)
		fn.code = load(c, f, &fn.len);
	if (!fn.code)
		return rows ? deny(c, f) : 0;
	r = code_function(c->flow, &fn, &result);
	c->work += result.work;
	if (c->work > c->looked_at * MAX_WORK + FREE_WORK)
		return -E2BIG;
	if (r && r != -EINVAL)
		return r;
	if (t.open && f->start + fn.len < f->end)
		rows_cut(c->b, f->start + fn.len);
	if (r || (f->pointer && (!result.returns || result.popped))) {
		forget_edges(&t);
		for (; t.spans; t.spans--)
			rows_abandon(c->b);
	}
	return rows && !t.spans ? deny(c, f) : 0;
}

static int look_at_all(struct code_search *c, bool rows)
{
	size_t edge = 0;
	int r = 0;

	for (size_t i = 0; i < c->n_funcs && !r; i++)
		r = look_at(c, &c->funcs[i], &edge, rows);
	if (!rows)
		take_edges(c);
	return r;
}

/* How often edges between functions are gathered before they are believed. */
static int rounds(const struct code_search *c)
{
	for (size_t i = 0; i < c->n_funcs; i++)
		if (c->funcs[i].part || !c->funcs[i].sized)
			return CODE_MAX_ROUNDS - 1;
	return 0;
}

/* All functions of c->funcs into spans, which are settled. */
static int add_functions(struct code_search *c)
{
	int n, r = 0;

	settle(c);
	n = rounds(c);
	if (code_gap_bytes(c) * (uint64_t)(n + 1) > CODE_MAX_BYTES - c->looked_at)
		return -E2BIG;
	while (n-- && !r)
		r = look_at_all(c, false);
	if (!r)
		r = look_at_all(c, true);
	return r ? r : rows_end_layer(c->b);
}

/* What is left: of the pointers those into code that nothing is known of by now. */
static int add_pointed(struct code_search *c)
{
	size_t kept = 0;
	int r;

	c->n_gaps = 0;
	c->n_edges = 0;
	r = code_find_gaps(c);
	if (r)
		return r;
	for (size_t i = 0; i < c->n_pointed; i++)
		if (code_gap_of(c, c->pointed[i].start))
			c->pointed[kept++] = c->pointed[i];
	free(c->funcs);
	c->funcs = c->pointed;
	c->n_funcs = kept;
	c->pointed = NULL;
	return add_functions(c);
}

int rows_add_code(struct rows_builder *b)
{
	struct code_search c = { .b = b };
	size_t before = b->n_spans;
	int r = code_find_gaps(&c);

	if (!r && c.n_gaps)
		r = code_find_functions(&c);
	if (!r && (c.n_funcs || c.n_pointed)) {
		c.flow = code_flow_new();
		r = c.flow ? add_functions(&c) : -ENOMEM;
		if (!r && c.n_pointed)
			r = add_pointed(&c);
	}
	code_flow_free(c.flow);
	free(c.gaps);
	free(c.funcs);
	free(c.pointed);
	free(c.edges);
	free(c.found);
	free(c.code);
	return r ? r : b->n_spans > before;
}
