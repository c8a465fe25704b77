// SPDX-License-Identifier: GPL-2.0
/* speedscope's JSON file format, one "sampled" profile. */
#include "export/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static void put_frames(struct writer *w, const struct tree *t)
{
	buf_puts(&w->b, "\"shared\":{\"frames\":[");
	for (uint32_t i = 0; i < t->n_funcs && !w->err; i++) {
		const struct tree_func *f = &t->funcs[i];

		buf_puts(&w->b, i ? ",{\"name\":" : "{\"name\":");
		buf_json_string(&w->b, f->name);
		if (*f->file || *f->object) {
			buf_puts(&w->b, ",\"file\":");
			buf_json_string(&w->b, *f->file ? f->file : f->object);
		}
		if (*f->file && f->line)
			buf_printf(&w->b, ",\"line\":%" PRIu32, f->line);
		buf_putc(&w->b, '}');
		writer_flow(w);
	}
	buf_puts(&w->b, "]}");
}

static void put_samples(struct writer *w, const struct tree *t, uint32_t *path)
{
	bool first = true;

	for (uint32_t i = 1; i < t->n_nodes && !w->err; i++) {
		uint32_t n = 0;

		if (!t->nodes[i].self)
			continue;
		for (uint32_t k = i; k; k = t->nodes[k].parent)
			path[n++] = t->nodes[k].func;
		buf_puts(&w->b, first ? "[" : ",[");
		while (n--)
			buf_printf(&w->b, n ? "%" PRIu32 "," : "%" PRIu32, path[n]);
		buf_putc(&w->b, ']');
		first = false;
		writer_flow(w);
	}
}

static void put_weights(struct writer *w, const struct tree *t)
{
	bool first = true;

	for (uint32_t i = 1; i < t->n_nodes && !w->err; i++) {
		if (!t->nodes[i].self)
			continue;
		buf_printf(&w->b, first ? "%" PRIu64 : ",%" PRIu64, t->nodes[i].self);
		first = false;
		writer_flow(w);
	}
}

int export_speedscope(const struct tree *t, const char *name, struct sink out)
{
	struct writer w = { .out = out };
	cleanup_free uint32_t *path = malloc((size_t)t->n_nodes * sizeof(*path));

	if (!path)
		return -ENOMEM;
	buf_puts(&w.b, "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",");
	buf_puts(&w.b, "\"exporter\":\"ringprof " RINGPROF_VERSION "\",\"activeProfileIndex\":0,");
	buf_puts(&w.b, "\"name\":");
	buf_json_string(&w.b, name ? name : "ringprof");
	buf_putc(&w.b, ',');
	put_frames(&w, t);
	buf_puts(&w.b, ",\"profiles\":[{\"type\":\"sampled\",\"name\":");
	buf_json_string(&w.b, name ? name : "ringprof");
	buf_printf(&w.b, ",\"unit\":\"%s\",\"startValue\":0,\"endValue\":%" PRIu64 ",\"samples\":[",
		   t->in_samples ? "none" : "nanoseconds", t->nodes[0].total);
	put_samples(&w, t, path);
	buf_puts(&w.b, "],\"weights\":[");
	put_weights(&w, t);
	buf_puts(&w.b, "]}]}\n");
	return writer_end(&w);
}
