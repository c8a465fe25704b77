// SPDX-License-Identifier: GPL-2.0
/*
 * Functions by self and total. A function that calls itself stands on a stack
 * several times; only its outermost node counts for the total, which a
 * pre-order walk knows by counting how often each function is open.
 */
#include "export/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct row {
	uint32_t func, open;
	uint64_t self, total, self_samples, total_samples;
};

static void enter(const struct tree *t, struct row *rows, uint32_t i)
{
	const struct tree_node *n = &t->nodes[i];
	struct row *r = &rows[n->func];

	r->self += n->self;
	r->self_samples += n->self_samples;
	if (r->open++)
		return;
	r->total += n->total;
	r->total_samples += n->total_samples;
}

static void add_up(const struct tree *t, struct row *rows)
{
	uint32_t i = t->nodes[0].first_child;

	while (i) {
		enter(t, rows, i);
		if (t->nodes[i].first_child) {
			i = t->nodes[i].first_child;
			continue;
		}
		while (i && !t->nodes[i].next) {
			rows[t->nodes[i].func].open--;
			i = t->nodes[i].parent;
		}
		if (i) {
			rows[t->nodes[i].func].open--;
			i = t->nodes[i].next;
		}
	}
}

static int by_self(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;

	if (a->self != b->self)
		return a->self > b->self ? -1 : 1;
	if (a->total != b->total)
		return a->total > b->total ? -1 : 1;
	return a->func < b->func ? -1 : a->func > b->func;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* standard error of a share of n samples, in percent points: se is what the tree knows of it */
static double error_percent(const struct tree *t, uint64_t part, double se)
{
	uint64_t n = t->nodes[0].total_samples;
	double p = n ? (double)part / (double)n : 0;

	if (t->errors)
		return 100.0 * se;
	return n && p < 1 ? 100.0 * sqrt(p * (1 - p) / (double)n) : 0;
}

static void put_json(struct writer *w, const struct tree *t, const struct row *r)
{
	const struct tree_func *f = &t->funcs[r->func];
	struct buf *b = &w->b;

	buf_puts(b, "{\"name\":");
	buf_json_string(b, f->name);
	buf_puts(b, ",\"object\":");
	buf_json_string(b, f->object);
	buf_puts(b, ",\"file\":");
	buf_json_string(b, f->file);
	buf_printf(b, ",\"line\":%" PRIu32 ",\"kind\":%d", f->line, (int)f->kind);
	buf_printf(b, ",\"self\":%" PRIu64 ",\"total\":%" PRIu64, r->self, r->total);
	buf_printf(b, ",\"self_samples\":%" PRIu64 ",\"total_samples\":%" PRIu64, r->self_samples,
		   r->total_samples);
	buf_printf(b, ",\"self_percent\":%.4f,\"total_percent\":%.4f",
		   percent(r->self, t->nodes[0].total), percent(r->total, t->nodes[0].total));
	buf_printf(b, ",\"self_error_percent\":%.4f,\"total_error_percent\":%.4f}",
		   error_percent(t, r->self_samples, f->self_se),
		   error_percent(t, r->total_samples, f->total_se));
}

static void put_text(struct writer *w, const struct tree *t, const struct row *r)
{
	const struct tree_func *f = &t->funcs[r->func];

	buf_printf(&w->b, "%" PRIu64 "\t%.2f\t%.2f\t%" PRIu64 "\t%.2f\t%" PRIu64 "\t%s\t%s\n",
		   r->self, percent(r->self, t->nodes[0].total),
		   error_percent(t, r->self_samples, f->self_se), r->total,
		   percent(r->total, t->nodes[0].total), r->self_samples, f->name, f->object);
}

static int put_rows(const struct tree *t, const struct row *rows, uint32_t n, bool json,
		    struct sink out)
{
	struct writer w = { .out = out };

	if (json) {
		buf_puts(&w.b, "{\"version\":1,");
		writer_json_totals(&w, t);
		buf_puts(&w.b, ",\"rows\":[");
	} else {
		buf_puts(&w.b, "self\tself%\t+-%\ttotal\ttotal%\tself_samples\tfunction\tobject\n");
	}
	for (uint32_t i = 0; i < n && !w.err; i++) {
		if (json && i)
			buf_putc(&w.b, ',');
		if (json)
			put_json(&w, t, &rows[i]);
		else
			put_text(&w, t, &rows[i]);
		writer_flow(&w);
	}
	if (json)
		buf_puts(&w.b, "]}\n");
	return writer_end(&w);
}

int export_top(const struct tree *t, bool json, uint32_t max_rows, struct sink out)
{
	cleanup_free struct row *rows = calloc((size_t)t->n_funcs + 1, sizeof(*rows));
	uint32_t n = 0;

	if (!rows)
		return -ENOMEM;
	add_up(t, rows);
	for (uint32_t i = 0; i < t->n_funcs; i++) {
		rows[i].func = i;
		if (!rows[i].total_samples && !rows[i].total)
			continue; /* the root, or one that a cut left without a node */
		rows[n++] = rows[i];
	}
	qsort(rows, n, sizeof(*rows), by_self);
	return put_rows(t, rows, max_rows && max_rows < n ? max_rows : n, json, out);
}
