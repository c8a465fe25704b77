// SPDX-License-Identifier: GPL-2.0
/* Folded stacks, the text that flame graph scripts read. */
#include "export/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* tree texts hold no control characters; ';' would split the frame */
static void put_frame(struct buf *b, const struct tree_func *f)
{
	size_t at = b->len;

	buf_puts(b, *f->name ? f->name : "[unnamed]");
	for (; !b->err && at < b->len; at++)
		if (b->data[at] == ';')
			b->data[at] = ':';
	if (f->kind == FRAME_KERNEL)
		buf_puts(b, "_[k]");
	else if (f->kind == FRAME_ANON)
		buf_puts(b, "_[j]");
}

static bool is_mark(const struct tree *t, const struct tree_node *n)
{
	return t->funcs[n->func].kind == FRAME_MARK;
}

/*
 * What one sample of a line stands for. Where rates changed within the range, a
 * sample of the slower one stands for more time: then lines count samples of the
 * fastest. 0: all stand for the same, within a hundredth.
 */
static double unit_of(const struct tree *t)
{
	double least = 0, most = 0;

	for (uint32_t i = 1; i < t->n_nodes; i++) {
		const struct tree_node *n = &t->nodes[i];
		double each = n->self_samples ? (double)n->self / (double)n->self_samples : 0;

		/* a loss is weighed by the time that is missing */
		if (each <= 0 || is_mark(t, n))
			continue;
		least = least > 0 && least < each ? least : each;
		most = most > each ? most : each;
	}
	return most > least * 1.01 ? least : 0;
}

static uint64_t samples_of(const struct tree_node *n, double unit)
{
	uint64_t count = unit > 0 ? (uint64_t)((double)n->self / unit + 0.5) : n->self_samples;

	return count ? count : 1;
}

int export_folded(const struct tree *t, struct sink out)
{
	struct writer w = { .out = out };
	double unit = unit_of(t);
	/* a parent's number is below its child's: no path is longer than the tree */
	cleanup_free uint32_t *path = malloc((size_t)t->n_nodes * sizeof(*path));

	if (!path)
		return -ENOMEM;
	for (uint32_t i = 1; i < t->n_nodes && !w.err; i++) {
		uint32_t n = 0;

		if (!t->nodes[i].self_samples)
			continue;
		for (uint32_t k = i; k; k = t->nodes[k].parent)
			path[n++] = k;
		while (n--) {
			put_frame(&w.b, &t->funcs[t->nodes[path[n]].func]);
			if (n)
				buf_putc(&w.b, ';');
		}
		buf_printf(&w.b, " %" PRIu64 "\n", samples_of(&t->nodes[i], unit));
		writer_flow(&w);
	}
	return writer_end(&w);
}
