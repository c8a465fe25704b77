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

int export_folded(const struct tree *t, struct sink out)
{
	struct writer w = { .out = out };
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
		buf_printf(&w.b, " %" PRIu64 "\n", t->nodes[i].self_samples);
		writer_flow(&w);
	}
	return writer_end(&w);
}
