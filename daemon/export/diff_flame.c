// SPDX-License-Identifier: GPL-2.0
/*
 * The page's columns of a differential tree; see flamegraph.c about the shape.
 * Numbers are written by hand there because printf is most of a large
 * answer's time, and so they are here.
 */
#include "export/diff_export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hmap.h"
#include "export/writer.h"

#define NONE UINT32_MAX

struct columns {
	struct writer w;
	const struct diff *d;
	uint32_t *order;   /* nodes in pre-order */
	uint32_t *place;   /* node -> its place there */
	uint32_t *func_id; /* func -> its number in the answer, NONE: not used */
	uint32_t *funcs;   /* funcs in the answer's order */
	uint32_t n_funcs;
	struct diff_row *rows;
	uint32_t *row;	   /* func -> its row, NONE: the root's */
	struct hmap texts; /* by address: texts are interned */
	const char **text;
	uint32_t n_text;
};

/* The node behind i in pre-order, 0 at the end. */
static uint32_t next_node(const struct diff *d, uint32_t i)
{
	if (d->nodes[i].first_child)
		return d->nodes[i].first_child;
	while (i && !d->nodes[i].next)
		i = d->nodes[i].parent;
	return i ? d->nodes[i].next : 0;
}

static void order_nodes(struct columns *c)
{
	uint32_t n = 0, i = 0;

	do {
		uint32_t f = c->d->nodes[i].func;

		c->place[i] = n;
		c->order[n++] = i;
		if (c->func_id[f] == NONE) {
			c->func_id[f] = c->n_funcs;
			c->funcs[c->n_funcs++] = f;
		}
		i = next_node(c->d, i);
	} while (i);
}

/* Number of a text, added when new; NONE: no memory for that. */
static uint32_t text_id(struct columns *c, const char *s)
{
	uint64_t hash = hash_mix((uintptr_t)s, 0);
	uint32_t i;

	HMAP_FOR_EACH (&c->texts, hash, it, i)
		if (c->text[i] == s)
			return i;
	if (hmap_insert(&c->texts, hash, c->n_text))
		return NONE;
	c->text[c->n_text] = s;
	return c->n_text++;
}

/* The functions' own rows, to be found by function. 0 or -ENOMEM. */
static int find_rows(struct columns *c)
{
	uint32_t n;
	int r = diff_rows(c->d, &c->rows, &n);

	memset(c->row, 0xff, (size_t)c->d->n_funcs * sizeof(uint32_t));
	for (uint32_t i = 0; !r && i < n; i++)
		c->row[c->rows[i].func] = i;
	return r;
}

static int columns_init(struct columns *c, const struct diff *d, struct sink out)
{
	c->w.out = out;
	c->d = d;
	c->order = malloc((size_t)d->n_nodes * sizeof(uint32_t));
	c->place = malloc((size_t)d->n_nodes * sizeof(uint32_t));
	c->func_id = malloc((size_t)d->n_funcs * sizeof(uint32_t));
	c->funcs = malloc((size_t)d->n_funcs * sizeof(uint32_t));
	c->row = malloc((size_t)d->n_funcs * sizeof(uint32_t));
	c->text = malloc((size_t)d->n_funcs * 3 * sizeof(char *));
	if (!c->order || !c->place || !c->func_id || !c->funcs || !c->row || !c->text)
		return -ENOMEM;
	memset(c->func_id, 0xff, (size_t)d->n_funcs * sizeof(uint32_t));
	order_nodes(c);
	for (uint32_t i = 0; i < c->n_funcs; i++) {
		const struct tree_func *f = &d->funcs[c->funcs[i]].f;

		if (text_id(c, f->name) == NONE || text_id(c, f->object) == NONE ||
		    text_id(c, f->file) == NONE)
			return -ENOMEM;
	}
	return find_rows(c);
}

static void columns_free(struct columns *c)
{
	free(c->order);
	free(c->place);
	free(c->func_id);
	free(c->funcs);
	free(c->row);
	free(c->rows);
	free(c->text);
	hmap_free(&c->texts);
	buf_free(&c->w.b);
}

static void put_strings(struct columns *c)
{
	buf_puts(&c->w.b, ",\"strings\":[");
	for (uint32_t i = 0; i < c->n_text && !c->w.err; i++) {
		if (i)
			buf_putc(&c->w.b, ',');
		buf_json_string(&c->w.b, c->text[i]);
		writer_flow(&c->w);
	}
	buf_putc(&c->w.b, ']');
}

enum column {
	FUNC_NAME,
	FUNC_OBJECT,
	FUNC_FILE,
	FUNC_LINE,
	FUNC_KIND,
	FUNC_SELF_SIGNIFICANT,
	FUNC_TOTAL_SIGNIFICANT,
	NODE_PARENT,
	NODE_FUNC,
	NODE_SELF_A,
	NODE_TOTAL_A,
	NODE_SELF_B,
	NODE_TOTAL_B,
	NODE_SIGNIFICANT
};

/* of funcs, then of nodes; by enum column */
static const char *const column_names[] = {
	"name",	  "object", "file",   "line",	 "kind",   "self_significant", "total_significant",
	"parent", "func",   "self_a", "total_a", "self_b", "total_b",	       "significant"
};

/* of a function of the answer */
static const struct diff_row *row_of(const struct columns *c, uint32_t i)
{
	static const struct diff_row root;
	uint32_t row = c->row[c->funcs[i]];

	return row == NONE ? &root : &c->rows[row];
}

static uint64_t func_value(struct columns *c, enum column col, uint32_t i)
{
	const struct tree_func *f = &c->d->funcs[c->funcs[i]].f;

	/* texts are there: columns_init has numbered them all */
	switch (col) {
	case FUNC_NAME:
		return text_id(c, f->name);
	case FUNC_OBJECT:
		return text_id(c, f->object);
	case FUNC_FILE:
		return text_id(c, f->file);
	case FUNC_LINE:
		return f->line;
	case FUNC_SELF_SIGNIFICANT:
		return row_of(c, i)->self_significant;
	case FUNC_TOTAL_SIGNIFICANT:
		return row_of(c, i)->significant;
	default:
		return f->kind;
	}
}

static uint64_t node_value(const struct columns *c, enum column col, uint32_t i)
{
	const struct diff_node *n = &c->d->nodes[c->order[i]];

	switch (col) {
	case NODE_PARENT:
		return c->place[n->parent];
	case NODE_FUNC:
		return c->func_id[n->func];
	case NODE_SELF_A:
		return n->a_self;
	case NODE_TOTAL_A:
		return n->a_total;
	case NODE_SELF_B:
		return n->b_self;
	case NODE_TOTAL_B:
		return n->b_total;
	default:
		return n->significant;
	}
}

static void put_columns(struct columns *c, enum column from, enum column to, uint32_t n)
{
	for (enum column col = from; col <= to; col++) {
		buf_printf(&c->w.b, "%s\"%s\":[", col > from ? "," : "", column_names[col]);
		for (uint32_t i = 0; i < n && !c->w.err; i++) {
			writer_number(&c->w.b,
				      col < NODE_PARENT ? func_value(c, col, i)
							: node_value(c, col, i),
				      !i);
			writer_flow(&c->w);
		}
		buf_putc(&c->w.b, ']');
	}
}

static double func_self_se(const struct columns *c, uint32_t i)
{
	return row_of(c, i)->self_se;
}

static double func_total_se(const struct columns *c, uint32_t i)
{
	return row_of(c, i)->se;
}

static double node_se(const struct columns *c, uint32_t i)
{
	return c->d->nodes[c->order[i]].se;
}

static void put_errors(struct columns *c, const char *name,
		       double (*se)(const struct columns *c, uint32_t i), uint32_t n)
{
	buf_printf(&c->w.b, ",\"%s\":[", name);
	for (uint32_t i = 0; i < n && !c->w.err; i++) {
		buf_printf(&c->w.b, i ? ",%.4g" : "%.4g", se(c, i));
		writer_flow(&c->w);
	}
	buf_putc(&c->w.b, ']');
}

int export_diff_flamegraph(const struct diff *d, bool cut, struct sink out)
{
	struct columns c = { 0 };
	int r = columns_init(&c, d, out);

	if (!r) {
		buf_puts(&c.w.b, "{\"version\":1,");
		diff_json_head(&c.w, d);
		buf_printf(&c.w.b, ",\"cut\":%s", cut ? "true" : "false");
		put_strings(&c);
		buf_puts(&c.w.b, ",\"funcs\":{");
		put_columns(&c, FUNC_NAME, FUNC_TOTAL_SIGNIFICANT, c.n_funcs);
		put_errors(&c, "self_se", func_self_se, c.n_funcs);
		put_errors(&c, "total_se", func_total_se, c.n_funcs);
		buf_puts(&c.w.b, "},\"nodes\":{");
		put_columns(&c, NODE_PARENT, NODE_SIGNIFICANT, d->n_nodes);
		put_errors(&c, "se", node_se, d->n_nodes);
		buf_puts(&c.w.b, "}}\n");
		r = writer_end(&c.w);
	}
	columns_free(&c);
	return r;
}
