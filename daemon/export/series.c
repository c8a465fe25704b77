// SPDX-License-Identifier: GPL-2.0
/* Time lines for the page and for scripts. */
#include "export/writer.h"

#include <inttypes.h>

#include "base/clock.h"

/* mean over what was recorded of each step */
static void put_rates(struct writer *w, const struct series *s, const char *name,
		      const uint64_t *points, bool in_samples)
{
	double unit = in_samples ? (double)NSEC_PER_SEC : 1;

	buf_printf(&w->b, "\"%s\":[", name);
	for (uint32_t i = 0; i < s->n_points; i++) {
		if (i)
			buf_putc(&w->b, ',');
		if (s->covered[i])
			buf_printf(&w->b, "%.6g", (double)points[i] * unit / (double)s->covered[i]);
		else
			buf_puts(&w->b, "null");
		writer_flow(w);
	}
	buf_putc(&w->b, ']');
}

static void put_counts(struct writer *w, const struct series *s, const uint64_t *points)
{
	buf_puts(&w->b, "\"samples\":[");
	for (uint32_t i = 0; i < s->n_points; i++) {
		buf_printf(&w->b, i ? ",%" PRIu64 : "%" PRIu64, points[i]);
		writer_flow(w);
	}
	buf_putc(&w->b, ']');
}

static void put_group(struct writer *w, const struct series *s, const struct series_group *g,
		      const char *const *labels, uint32_t n_labels, bool in_samples)
{
	struct buf *b = &w->b;

	buf_puts(b, "{\"labels\":{");
	for (uint32_t i = 0; i < n_labels && !g->other; i++) {
		if (i)
			buf_putc(b, ',');
		buf_json_string(b, labels[i]);
		buf_putc(b, ':');
		buf_json_string(b, g->values[i]);
	}
	buf_printf(b, "},\"other\":%s,", g->other ? "true" : "false");
	put_rates(w, s, "values", in_samples ? g->samples : g->weight, in_samples);
	buf_putc(b, ',');
	put_counts(w, s, g->samples);
	buf_printf(b, ",\"total\":%" PRIu64 "}", g->total);
}

int export_series(const struct series *s, const char *const *labels, uint32_t n_labels,
		  bool in_samples, const struct buf *events, struct sink out)
{
	struct writer w = { .out = out };

	buf_printf(&w.b, "{\"version\":1,\"from_ms\":%" PRIu64 ",\"to_ms\":%" PRIu64,
		   s->from / NSEC_PER_MSEC, s->to / NSEC_PER_MSEC);
	buf_printf(&w.b, ",\"step_ms\":%" PRIu64 ",\"raw\":%s,\"unit\":\"%s\",\"groups\":[",
		   s->step / NSEC_PER_MSEC, s->raw ? "true" : "false",
		   in_samples ? "samples_per_second" : "cores");
	for (uint32_t i = 0; i < s->n_groups && !w.err; i++) {
		buf_puts(&w.b, i ? ",\n" : "\n");
		put_group(&w, s, &s->groups[i], labels, n_labels, in_samples);
	}
	buf_puts(&w.b, "\n],");
	put_rates(&w, s, "total", in_samples ? s->samples : s->weight, in_samples);
	buf_putc(&w.b, ',');
	put_rates(&w, s, "lost", in_samples ? s->lost_samples : s->lost, in_samples);
	buf_puts(&w.b, ",\"events\":[");
	if (events && events->len)
		buf_append(&w.b, events->data, events->len);
	buf_puts(&w.b, "]}\n");
	return writer_end(&w);
}
