// SPDX-License-Identifier: GPL-2.0
/*
 * The page's own format. Columns instead of nested objects: a page parses
 * 100,000 nodes of plain numbers in a few ms, and no depth can overflow a
 * parser's stack. Nodes are renumbered into pre-order, functions and texts to
 * those that are used (after a cut most are not).
 */
#include "export/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hmap.h"

#define NONE UINT32_MAX

struct columns {
	struct writer w;
	const struct tree *t;
	uint32_t *order;   /* nodes in pre-order */
	uint32_t *place;   /* node -> its place there */
	uint32_t *func_id; /* func -> its number in the answer, NONE: not used */
	uint32_t *funcs;   /* funcs in the answer's order */
	uint32_t n_funcs;
	struct hmap texts; /* by address: tree texts are interned */
	const char **text;
	uint32_t n_text;
};

/* The node behind i in pre-order, 0 at the end. */
static uint32_t next_node(const struct tree *t, uint32_t i)
{
	if (t->nodes[i].first_child)
		return t->nodes[i].first_child;
	while (i && !t->nodes[i].next)
		i = t->nodes[i].parent;
	return i ? t->nodes[i].next : 0;
}

static void order_nodes(struct columns *c)
{
	uint32_t n = 0, i = 0;

	do {
		uint32_t f = c->t->nodes[i].func;

		c->place[i] = n;
		c->order[n++] = i;
		if (c->func_id[f] == NONE) {
			c->func_id[f] = c->n_funcs;
			c->funcs[c->n_funcs++] = f;
		}
		i = next_node(c->t, i);
	} while (i);
}

static int text_id(struct columns *c, const char *s, uint32_t *ret)
{
	uint64_t hash = hash_mix((uintptr_t)s, 0);
	uint32_t i;

	HMAP_FOR_EACH (&c->texts, hash, it, i) {
		if (c->text[i] == s) {
			*ret = i;
			return 0;
		}
	}
	if (hmap_insert(&c->texts, hash, c->n_text))
		return -ENOMEM;
	c->text[c->n_text] = s;
	*ret = c->n_text++;
	return 0;
}

static int columns_init(struct columns *c, const struct tree *t, struct sink out)
{
	uint32_t id;

	c->w.out = out;
	c->t = t;
	c->order = malloc((size_t)t->n_nodes * sizeof(uint32_t));
	c->place = malloc((size_t)t->n_nodes * sizeof(uint32_t));
	c->func_id = malloc((size_t)t->n_funcs * sizeof(uint32_t));
	c->funcs = malloc((size_t)t->n_funcs * sizeof(uint32_t));
	c->text = malloc((size_t)t->n_funcs * 3 * sizeof(char *));
	if (!c->order || !c->place || !c->func_id || !c->funcs || !c->text)
		return -ENOMEM;
	memset(c->func_id, 0xff, (size_t)t->n_funcs * sizeof(uint32_t));
	order_nodes(c);
	for (uint32_t i = 0; i < c->n_funcs; i++) {
		const struct tree_func *f = &t->funcs[c->funcs[i]];

		if (text_id(c, f->name, &id) || text_id(c, f->object, &id) ||
		    text_id(c, f->file, &id))
			return -ENOMEM;
	}
	return 0;
}

static void columns_free(struct columns *c)
{
	free(c->order);
	free(c->place);
	free(c->func_id);
	free(c->funcs);
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

static void put_column(struct columns *c, const char *name, uint32_t n,
		       uint64_t (*value)(struct columns *c, uint32_t i))
{
	buf_printf(&c->w.b, "\"%s\":[", name);
	for (uint32_t i = 0; i < n && !c->w.err; i++) {
		writer_number(&c->w.b, value(c, i), !i);
		writer_flow(&c->w);
	}
	buf_putc(&c->w.b, ']');
}

static const struct tree_func *func_at(const struct columns *c, uint32_t i)
{
	return &c->t->funcs[c->funcs[i]];
}

/* cannot fail: columns_init has numbered all texts */
static uint64_t known_text(struct columns *c, const char *s)
{
	uint32_t id = 0;

	text_id(c, s, &id);
	return id;
}

static uint64_t func_name(struct columns *c, uint32_t i)
{
	return known_text(c, func_at(c, i)->name);
}

static uint64_t func_object(struct columns *c, uint32_t i)
{
	return known_text(c, func_at(c, i)->object);
}

static uint64_t func_file(struct columns *c, uint32_t i)
{
	return known_text(c, func_at(c, i)->file);
}

static uint64_t func_line(struct columns *c, uint32_t i)
{
	return func_at(c, i)->line;
}

static uint64_t func_kind(struct columns *c, uint32_t i)
{
	return func_at(c, i)->kind;
}

static uint64_t ppm(double error)
{
	return (uint64_t)(error * 1e6 + 0.5);
}

static uint64_t func_self_error(struct columns *c, uint32_t i)
{
	return ppm(func_at(c, i)->self_se);
}

static uint64_t func_total_error(struct columns *c, uint32_t i)
{
	return ppm(func_at(c, i)->total_se);
}

static uint64_t node_parent(struct columns *c, uint32_t i)
{
	return c->place[c->t->nodes[c->order[i]].parent];
}

static uint64_t node_func(struct columns *c, uint32_t i)
{
	return c->func_id[c->t->nodes[c->order[i]].func];
}

static uint64_t node_self(struct columns *c, uint32_t i)
{
	return c->t->nodes[c->order[i]].self;
}

static uint64_t node_total(struct columns *c, uint32_t i)
{
	return c->t->nodes[c->order[i]].total;
}

/* a cut's "(other)" has the error of that many samples */
static uint64_t node_error(struct columns *c, uint32_t i)
{
	return ppm(c->t->nodes[c->order[i]].se);
}

static void put_funcs(struct columns *c)
{
	buf_puts(&c->w.b, ",\"funcs\":{");
	put_column(c, "name", c->n_funcs, func_name);
	buf_putc(&c->w.b, ',');
	put_column(c, "object", c->n_funcs, func_object);
	buf_putc(&c->w.b, ',');
	put_column(c, "file", c->n_funcs, func_file);
	buf_putc(&c->w.b, ',');
	put_column(c, "line", c->n_funcs, func_line);
	buf_putc(&c->w.b, ',');
	put_column(c, "kind", c->n_funcs, func_kind);
	buf_putc(&c->w.b, ',');
	put_column(c, "self_error_ppm", c->n_funcs, func_self_error);
	buf_putc(&c->w.b, ',');
	put_column(c, "total_error_ppm", c->n_funcs, func_total_error);
	buf_putc(&c->w.b, '}');
}

static void put_nodes(struct columns *c)
{
	buf_puts(&c->w.b, ",\"nodes\":{");
	put_column(c, "parent", c->t->n_nodes, node_parent);
	buf_putc(&c->w.b, ',');
	put_column(c, "func", c->t->n_nodes, node_func);
	buf_putc(&c->w.b, ',');
	put_column(c, "self", c->t->n_nodes, node_self);
	buf_putc(&c->w.b, ',');
	put_column(c, "total", c->t->n_nodes, node_total);
	buf_putc(&c->w.b, ',');
	put_column(c, "error_ppm", c->t->n_nodes, node_error);
	buf_putc(&c->w.b, '}');
}

int export_flamegraph(const struct tree *t, bool cut, struct sink out)
{
	struct columns c = { 0 };
	int r = columns_init(&c, t, out);

	if (!r) {
		buf_puts(&c.w.b, "{\"version\":1,");
		writer_json_totals(&c.w, t);
		buf_printf(&c.w.b, ",\"cut\":%s", cut ? "true" : "false");
		put_strings(&c);
		put_funcs(&c);
		put_nodes(&c);
		buf_puts(&c.w.b, "}\n");
		r = writer_end(&c.w);
	}
	columns_free(&c);
	return r;
}
