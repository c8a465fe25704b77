// SPDX-License-Identifier: GPL-2.0
/* The JSON object behind /api/v1/status and `ringprof status`. */
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/ringprof.h>

#include "base/clock.h"
#include "metrics.h"
#include "source/control.h"

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
	buf_puts(b, "}}");
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
	text(b, "auth", env->config->auth);
	write_source(b, &s);
	write_samples(b, &s.counters);
	write_history(b, env->store);
	field(b, "processes", s.ptable.processes);
	write_difference(b, &s);
	buf_putc(b, '}');
}
