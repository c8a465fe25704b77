// SPDX-License-Identifier: GPL-2.0
/* The JSON object behind /api/v1/status and `ringprof status`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/ringprof.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "keep.h"
#include "metrics.h"
#include "source/control.h"

/* all that the aggregator tells apart */
#define MAX_BINARIES 256

static void field(struct buf *b, const char *key, uint64_t v)
{
	buf_printf(b, "%s\"%s\":%" PRIu64, b->data[b->len - 1] == '{' ? "" : ",", key, v);
}

static void text(struct buf *b, const char *key, const char *v)
{
	buf_printf(b, "%s\"%s\":", b->data[b->len - 1] == '{' ? "" : ",", key);
	buf_json_string(b, v);
}

static void open_object(struct buf *b, const char *key)
{
	buf_printf(b, "%s\"%s\":{", b->data[b->len - 1] == '{' ? "" : ",", key);
}

static void write_source(struct buf *b, const struct collector_status *s)
{
	open_object(b, "source");
	text(b, "name", s->info.name ? s->info.name : "none");
	text(b, "why", s->info.why);
	buf_printf(b, ",\"running\":%s", s->running ? "true" : "false");
	text(b, "trouble", s->trouble);
	field(b, "hz", s->info.hz);
	field(b, "period", s->info.period);
	text(b, "unit", s->info.unit == RINGPROF_UNIT_CYCLES ? "cycles" : "nanoseconds");
	field(b, "cpus", s->info.cpus);
	text(b, "module_version", s->info.module_version);
	field(b, "abi_major", s->info.abi_major);
	field(b, "abi_minor", s->info.abi_minor);
	field(b, "reopens", s->reopens);
	field(b, "behind_ms", collector_behind(s) / NSEC_PER_MSEC);
	buf_putc(b, '}');
}

static void write_samples(struct buf *b, const struct source_counters *c)
{
	open_object(b, "samples");
	field(b, "calls", c->calls);
	for (unsigned int i = 0; i < RINGPROF_LOST_RING_FULL; i++)
		field(b, control_outcome_name(i), c->outcome[i]);
	open_object(b, "lost");
	for (unsigned int i = RINGPROF_LOST_RING_FULL; i < __RINGPROF_OUT_MAX; i++)
		field(b, control_outcome_name(i), c->outcome[i]);
	field(b, "timer never fired", c->missed);
	field(b, "no reader", c->detached);
	field(b, "queue full", c->lost_samples);
	field(b, "corrupt ring", c->unreadable / sizeof(struct ringprof_rec_sample));
	buf_puts(b, "}}");
}

static void write_unwind(struct buf *b, const struct collector_status *s)
{
	const struct tables_counters *t = &s->unwinder.tables;
	uint64_t samples = s->counters.outcome[RINGPROF_OUT_EMITTED] +
			   s->counters.outcome[RINGPROF_OUT_FILTERED];

	open_object(b, "unwind");
	text(b, "how", s->info.stacks);
	field(b, "row_frames", s->counters.unwind[RINGPROF_UNW_ROW_FRAMES]);
	field(b, "fp_frames", s->counters.unwind[RINGPROF_UNW_FP_FRAMES]);
	field(b, "new_samples", s->counters.unwind[RINGPROF_UNW_MM_NEW]);
	field(b, "bytes_per_sample", samples ? s->counters.bytes / samples : 0);
	field(b, "perf_stack", s->info.perf_stack);
	field(b, "tables", t->ready);
	field(b, "tables_queued", t->queued);
	field(b, "table_bytes", t->bytes);
	field(b, "rows", t->rows);
	field(b, "compiled", t->compiled);
	field(b, "from_disk", t->from_cache);
	field(b, "failed", t->failed);
	field(b, "sent_tables", s->unwinder.handover.sent);
	field(b, "refused_tables", s->unwinder.handover.refused);
	field(b, "absent_tables", s->unwinder.handover.absent);
	field(b, "evicted_tables", s->unwinder.handover.evicted);
	field(b, "tables_sent_again", s->unwinder.handover.again);
	field(b, "tables_kept_out", s->unwinder.handover.kept_out);
	text(b, "trouble", s->unwinder.handover_error);
	buf_putc(b, '}');
}

struct broken {
	const char *path;
	uint64_t stacks;
	unsigned int end; /* the most frequent one */
};

static int most_first(const void *a, const void *b)
{
	const struct broken *x = a, *y = b;

	return (x->stacks < y->stacks) - (x->stacks > y->stacks);
}

static struct broken sum_up(const struct agg_binary *r)
{
	struct broken ret = { .path = r->path };

	for (unsigned int e = 1; e < AGG_ENDS; e++) {
		ret.stacks += r->ends[e];
		if (r->ends[e] > r->ends[ret.end] || !ret.end)
			ret.end = e;
	}
	return ret;
}

/* The binaries where most stacks break off. */
static void write_truncated(struct buf *b, struct agg *a)
{
	cleanup_free struct agg_binary *rows = calloc(MAX_BINARIES, sizeof(*rows));
	struct broken list[MAX_BINARIES];
	size_t n = rows ? agg_binaries(a, rows, MAX_BINARIES) : 0;

	for (size_t i = 0; i < n; i++)
		list[i] = sum_up(&rows[i]);
	qsort(list, n, sizeof(list[0]), most_first);
	buf_puts(b, ",\"truncated\":[");
	for (size_t i = 0; i < n && i < 10 && list[i].stacks; i++) {
		buf_puts(b, i ? ",{" : "{");
		text(b, "binary", list[i].path);
		field(b, "stacks", list[i].stacks);
		text(b, "mostly", control_end_name(list[i].end));
		buf_putc(b, '}');
	}
	buf_putc(b, ']');
}

/* Where names and lines come from, and what of that did not fit. */
static void write_symbols(struct buf *b, const struct metrics_env *env)
{
	struct files_counters f;
	struct symbols_counters s;

	files_counters(env->files, &f);
	symbols_counters(env->symbols, &s);
	open_object(b, "symbols");
	field(b, "table_bytes", f.symbol_bytes);
	field(b, "name_bytes", s.name_bytes);
	field(b, "debug_files", s.line_files);
	field(b, "debug_bytes", s.line_bytes);
	field(b, "debug_too_large", s.line_too_large);
	field(b, "debug_damaged", s.line_damaged);
	buf_putc(b, '}');
}

static void write_history(struct buf *b, struct store *store)
{
	struct store_counters c;

	store_counters(store, &c);
	open_object(b, "history");
	field(b, "windows", c.windows);
	field(b, "bytes", c.bytes);
	field(b, "oldest_ms", c.oldest_wall / NSEC_PER_MSEC);
	field(b, "newest_ms", c.newest_wall / NSEC_PER_MSEC);
	field(b, "seconds", c.windows ? (c.newest_wall - c.oldest_wall) / NSEC_PER_SEC : 0);
	keep_status(b, store);
	buf_putc(b, '}');
}

/* What the settings say where the source runs otherwise: `ringprof set` was here, or a limit. */
static void write_difference(struct buf *b, const struct collector_status *s)
{
	open_object(b, "differs");
	if (s->running && s->wanted_hz != s->info.hz) {
		open_object(b, "frequency");
		field(b, "settings", s->wanted_hz);
		field(b, "in_force", s->info.hz);
		buf_putc(b, '}');
	}
	buf_putc(b, '}');
}

/* Where a browser finds the page, and the file whose line is the password; none without either. */
static void write_url(struct buf *b, const struct config *c)
{
	char url[512];

	if (!*c->listen)
		return;
	snprintf(url, sizeof(url), "%s://%s/", *c->tls_cert ? "https" : "http", c->listen);
	text(b, "url", url);
	if (!strcmp(c->auth, "token"))
		text(b, "token_file", c->token_file);
}

void status_write(const struct metrics_env *env, struct buf *b)
{
	struct collector_status s;

	collector_status(env->collector, &s);
	buf_putc(b, '{');
	if (b->err)
		return;
	text(b, "version", RINGPROF_VERSION);
	field(b, "pid", (uint64_t)getpid());
	field(b, "uptime_seconds", s.started ? (mono_now() - s.started) / NSEC_PER_SEC : 0);
	text(b, "listen", env->config->listen);
	write_url(b, env->config);
	text(b, "auth", env->config->auth);
	write_source(b, &s);
	write_samples(b, &s.counters);
	write_unwind(b, &s);
	write_truncated(b, collector_agg(env->collector));
	write_symbols(b, env);
	reading_status(&env->readings, b);
	write_history(b, env->store);
	field(b, "processes", s.ptable.processes);
	write_difference(b, &s);
	buf_putc(b, '}');
}
