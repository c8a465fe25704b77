// SPDX-License-Identifier: GPL-2.0
/* What JSON answers of a diff begin with, and its functions as rows. */
#include "export/diff_export.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "export/writer.h"

#define MS 1000000

static void put_side(struct buf *b, const char *name, const struct diff_side *s)
{
	buf_printf(b,
		   ",\"%s\":{\"from_ms\":%" PRIu64 ",\"to_ms\":%" PRIu64 ",\"duration_ms\":"
		   "%" PRIu64,
		   name, s->wall_from / MS, s->wall_to / MS, s->duration / MS);
	buf_printf(b, ",\"total\":%" PRIu64 ",\"samples\":%" PRIu64 ",\"lost\":%" PRIu64, s->total,
		   s->samples, s->lost);
	buf_printf(b, ",\"lost_samples\":%" PRIu64 ",\"truncated\":%" PRIu64, s->lost_samples,
		   s->truncated);
	buf_printf(b, ",\"cpus\":%" PRIu32 ",\"windows\":%" PRIu32, s->cpus, s->windows);
	buf_printf(b, ",\"other_hosts\":%" PRIu32 ",\"per\":%.17g}", s->other_hosts, s->per);
}

void diff_json_head(struct writer *w, const struct diff *d)
{
	static const char *const modes[] = {
		[DIFF_RATE] = "rate", [DIFF_WORK] = "work", [DIFF_SHARE] = "share"
	};
	struct diff_row whole;

	buf_puts(&w->b, "\"type\":");
	buf_json_string(&w->b, d->type);
	buf_puts(&w->b, ",\"unit\":");
	buf_json_string(&w->b, d->unit);
	diff_whole(d, &whole);
	buf_printf(&w->b, ",\"mode\":\"%s\",\"compared\":\"%s\",\"confidence\":%.6g",
		   modes[d->mode], diff_unit_name(d), d->confidence);
	buf_printf(&w->b, ",\"limit\":[%.6g,%.6g],\"whole\":{\"se\":%.6g,\"significant\":%s}",
		   diff_limit(d, false), diff_limit(d, true), whole.se,
		   whole.significant ? "true" : "false");
	put_side(&w->b, "a", &d->a);
	put_side(&w->b, "b", &d->b);
}

/* JSON has no infinity */
static void put_value(struct buf *b, const char *key, double v)
{
	if (isfinite(v))
		buf_printf(b, ",\"%s\":%.9g", key, v);
	else
		buf_printf(b, ",\"%s\":null", key);
}

static double cores(const struct diff *d, const struct diff_side *s, uint64_t value)
{
	bool time = diff_counts_time(d);

	return time && s->duration ? (double)value / (double)s->duration : HUGE_VAL;
}

static void put_row(struct writer *w, const struct diff *d, const struct diff_row *r)
{
	const struct tree_func *f = &d->funcs[r->func].f;
	struct buf *b = &w->b;

	buf_puts(b, "{\"name\":");
	buf_json_string(b, f->name);
	buf_puts(b, ",\"object\":");
	buf_json_string(b, f->object);
	put_value(b, "a", r->a);
	put_value(b, "b", r->b);
	put_value(b, "delta", r->delta);
	put_value(b, "ratio", diff_ratio(r->a, r->b));
	put_value(b, "cores_a", cores(d, &d->a, r->a_total));
	put_value(b, "cores_b", cores(d, &d->b, r->b_total));
	put_value(b, "se", r->se);
	put_value(b, "self_delta", r->self_delta);
	put_value(b, "self_se", r->self_se);
	buf_printf(b, ",\"self_significant\":%s", r->self_significant ? "true" : "false");
	buf_printf(b, ",\"significant\":%s,\"total_a\":%" PRIu64 ",\"total_b\":%" PRIu64,
		   r->significant ? "true" : "false", r->a_total, r->b_total);
	buf_printf(b, ",\"samples_a\":%" PRIu64 ",\"samples_b\":%" PRIu64 "}", r->a_samples,
		   r->b_samples);
}

int export_diff_table(const struct diff *d, uint32_t max_rows, struct sink out)
{
	struct writer w = { .out = out };
	struct diff_row *rows;
	uint32_t n;
	int r = diff_rows(d, &rows, &n);

	if (r)
		return r;
	buf_puts(&w.b, "{\"version\":1,");
	diff_json_head(&w, d);
	buf_puts(&w.b, ",\"rows\":[");
	for (uint32_t i = 0; i < n && (!max_rows || i < max_rows) && !w.err; i++) {
		buf_puts(&w.b, i ? ",\n" : "\n");
		put_row(&w, d, &rows[i]);
		writer_flow(&w);
	}
	buf_puts(&w.b, "\n]}\n");
	free(rows);
	return writer_end(&w);
}
