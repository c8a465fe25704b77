// SPDX-License-Identifier: GPL-2.0
/* What `ringprof record` was asked for; all of it is checked before anything runs. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/config.h"
#include "cli/record.h"

#define DEFAULT_SECONDS 10
#define DEFAULT_STACK	(16UL << 10)

const struct cli_option record_options[] = {
	{ "frequency", 'F', "HZ", "samples a second and CPU (default 99)" },
	{ "source", 0, "NAME", "auto, kmod or perf" },
	{ "unwind", 0, "KIND", "user stacks by rows (unwind information) or fp (frame pointers)" },
	{ "perf-stack", 0, "BYTES", "perf source: user stack copied a sample (default 16KiB)" },
	{ "max-depth", 0, "N", "user frames of a stack (default 512)" },
	{ "duration", 'd', "TIME",
	  "how long, in seconds or with a unit (default 10s; a COMMAND: its life)" },
	{ "pid", 'p', "LIST", "only these processes and what they start, comma separated" },
	{ "output", 'o', "FILE",
	  "where to; the ending chooses the format: .pb.gz .folded .json (speedscope)" },
	{ "format", 'f', "NAME",
	  "pprof, folded, speedscope, flamegraph or top, whatever the ending" },
	{ "query", 'q', "SELECTOR", "keep only what matches" },
	{ 0 },
};

static int parse_pids(struct recording *r, const char *list)
{
	char *end;

	for (const char *p = list; *p; p = *end ? end + 1 : end) {
		long v = strtol(p, &end, 10);

		if (end == p || (*end && *end != ',') || v <= 0 || v > INT32_MAX ||
		    r->source.n_pids >= RECORD_MAX_PIDS)
			return cli_fail(CLI_USAGE,
					"record: --pid: '%s'; allowed: up to %d process ids, comma "
					"separated",
					list, RECORD_MAX_PIDS);
		if (kill((pid_t)v, 0) && errno == ESRCH)
			return cli_fail(CLI_FAILED, "record: no process %ld", v);
		r->pids[r->source.n_pids++] = (pid_t)v;
	}
	return 0;
}

static int parse_seconds(const char *text, uint64_t *ret)
{
	char *end = "";
	double v;

	if (!parse_duration(text, ret) && *ret)
		return 0;
	/* seconds, a fraction too; nothing else that strtod knows, like 0x1 or inf */
	v = strspn(text, "0123456789.") == strlen(text) ? strtod(text, &end) : 0;
	if (v >= 0.001 && v <= 86400 && !*end) {
		*ret = (uint64_t)(v * NSEC_PER_SEC);
		return 0;
	}
	return cli_fail(CLI_USAGE,
			"record: --duration: '%s'; allowed: seconds up to a day, or a whole number "
			"with ms s m h",
			text);
}

static int parse_source(struct recording *r, const char *name)
{
	if (!name || !strcmp(name, "auto"))
		r->source.kind = SOURCE_AUTO;
	else if (!strcmp(name, "kmod"))
		r->source.kind = SOURCE_KMOD;
	else if (!strcmp(name, "perf"))
		r->source.kind = SOURCE_PERF;
	else
		return cli_fail(CLI_USAGE, "record: --source: '%s'; allowed: auto, kmod, perf",
				name);
	return 0;
}

static int parse_frequency(struct recording *r, const char *text)
{
	char *end;
	unsigned long v = text ? strtoul(text, &end, 10) : 0;

	if (text && (end == text || *end || v < 1 || v > 10000))
		return cli_fail(CLI_USAGE, "record: --frequency: '%s'; allowed: 1 to 10000", text);
	r->source.hz = (uint32_t)v;
	return 0;
}

/* How user stacks are walked. */
static int parse_unwind(struct recording *r)
{
	const char *kind = cli_value(r->c, "unwind"), *stack = cli_value(r->c, "perf-stack");
	const char *depth = cli_value(r->c, "max-depth");
	uint64_t v = DEFAULT_STACK, n = 0;

	if (kind && strcmp(kind, "rows") && strcmp(kind, "fp"))
		return cli_fail(CLI_USAGE, "record: --unwind: '%s'; allowed: rows, fp", kind);
	if (stack && (parse_bytes(stack, &v) || v > 65528 || (v && v < 2048) || v % 8))
		return cli_fail(CLI_USAGE,
				"record: --perf-stack: '%s'; allowed: 0, or 2KiB to 65528, by 8",
				stack);
	if (depth && (parse_bytes(depth, &n) || !n || n > RINGPROF_DEPTH_LIMIT))
		return cli_fail(CLI_USAGE, "record: --max-depth: '%s'; allowed: 1 to %d", depth,
				RINGPROF_DEPTH_LIMIT);
	r->source.rows = !kind || !strcmp(kind, "rows");
	r->source.perf_stack = (uint32_t)v;
	r->source.max_depth = (uint32_t)n;
	return 0;
}

static bool ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

static int choose_format(struct recording *r, const char *name)
{
	static const char *const known[] = { "pprof", "folded", "speedscope", "flamegraph", "top" };

	if (!name)
		name = ends_in(r->path, ".folded") ? "folded"
		       : ends_in(r->path, ".json") ? "speedscope"
						   : "pprof";
	r->format = name;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(name, known[i]))
			return 0;
	return cli_fail(CLI_USAGE,
			"record: --format: '%s'; allowed: pprof, folded, speedscope, flamegraph, "
			"top",
			name);
}

/* Before anything runs: a wrong one must not cost a recording. */
static int parse_query(struct recording *r, const char *query)
{
	char err[512] = "";

	if (!selector_parse(&r->sel, query ? query : "{}", err, sizeof(err)))
		return 0;
	return cli_fail(CLI_USAGE, "record: --query: %s", err);
}

int record_parse(struct recording *r)
{
	struct cli *c = r->c;
	const char *duration = cli_value(c, "duration"), *pids = cli_value(c, "pid");
	int e;

	r->path = cli_value(c, "output");
	if (!r->path)
		return cli_fail(CLI_USAGE, "record: where to? give -o FILE");
	r->ns = c->n_args ? 0 : DEFAULT_SECONDS * NSEC_PER_SEC;
	e = duration ? parse_seconds(duration, &r->ns) : 0;
	if (!e && pids)
		e = parse_pids(r, pids);
	if (!e && pids && c->n_args)
		e = cli_fail(CLI_USAGE, "record: a command or --pid, not both");
	if (!e)
		e = parse_source(r, cli_value(c, "source"));
	if (!e)
		e = parse_frequency(r, cli_value(c, "frequency"));
	if (!e)
		e = parse_unwind(r);
	if (!e)
		e = choose_format(r, cli_value(c, "format"));
	if (!e)
		e = parse_query(r, cli_value(c, "query"));
	r->source.pids = r->pids;
	return e;
}
