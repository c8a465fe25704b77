// SPDX-License-Identifier: GPL-2.0
#include "reading.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/metrics.h"
#include "sym/demangle_read.h"
#include "sym/jit.h"
#include "sym/lines_read.h"
#include "sym/table_read.h"
#include "unwind/rows_read.h"

#define USER   "ringprof-reader"
#define NOBODY 65534
/* beside what it may keep: a file's tables while they are put together */
#define MAX_WORK (4ULL << 30)
/* one batch of a perf map or jitdump, and one record of that; or a name */
#define SMALL_WORK (512ULL << 20)
/* a batch takes ms; a file system that hangs must not keep other processes' names */
#define JIT_TIMEOUT_NS (10 * NSEC_PER_SEC)
/* a name takes us, and there is no file */
#define MANGLED_TIMEOUT_NS NSEC_PER_SEC

#ifdef READER_TEST_CRASH
#include "tests/e2e/crash.h"
#define SERVE(fn) crash_##fn
CRASH_BEFORE(table_serve)
CRASH_BEFORE(lines_serve_open)
CRASH_BEFORE(rows_serve)
CRASH_BEFORE(jit_serve)
CRASH_AT_NAME(demangle_serve)
#else
#define SERVE(fn) fn
#endif

static const reader_serve_fn ops[READER_OPS] = {
	[READER_TABLE] = SERVE(table_serve),	[READER_LINES_OPEN] = SERVE(lines_serve_open),
	[READER_LINES_LOOKUP] = lines_serve_at, [READER_LINES_CLOSE] = lines_serve_shut,
	[READER_GO] = lines_serve_go,		[READER_ROWS] = SERVE(rows_serve),
	[READER_JIT] = SERVE(jit_serve),	[READER_DEMANGLE] = SERVE(demangle_serve),
};

void reading_main(int argc, char **argv)
{
	if (argc && !strcmp(argv[0], READER_ARGV0))
		reader_main(argc, argv, ops);
	if (argc && !strcmp(argv[0], KEEPER_ARGV0))
		keeper_main();
}

static const struct {
	const char *name;
	uint64_t work, timeout;
} kinds[READING_N] = {
	[READING_NAMES] = { "names", MAX_WORK, 0 },
	[READING_LINES] = { "lines", MAX_WORK, 0 },
	[READING_ROWS] = { "rows", MAX_WORK, 0 },
	[READING_JIT] = { "jit", SMALL_WORK, JIT_TIMEOUT_NS },
	[READING_MANGLED] = { "mangled", SMALL_WORK, MANGLED_TIMEOUT_NS },
};

int reading_new(struct readings *r, const struct config *c)
{
	const struct passwd *pw = getpwnam(USER);
	struct reader_config rc = { .uid = pw ? pw->pw_uid : NOBODY,
				    .gid = pw ? pw->pw_gid : NOBODY };

	/* root changes the user itself */
	if (geteuid()) {
		snprintf(r->keeper, sizeof(r->keeper), "%s/readers.sock", c->state_dir);
		rc.keeper = r->keeper;
	}
	for (int i = 0; i < READING_N; i++) {
		rc.name = kinds[i].name;
		rc.max_memory = kinds[i].work;
		/* what libdw takes for itself is estimated: twice the limit is never reached */
		if (i == READING_LINES)
			rc.max_memory += 2 * c->line_memory;
		rc.timeout = kinds[i].timeout;
		rc.slow_twice = i == READING_MANGLED;
		r->readers[i] = reader_new(&rc);
		if (!r->readers[i])
			return -ENOMEM;
	}
	return 0;
}

void reading_free(struct readings *r)
{
	for (int i = 0; i < READING_N; i++)
		reader_free(r->readers[i]);
}

void reading_tell(struct readings *r)
{
	struct reader_counters c;
	enum reader_fault fault;
	char path[512];

	for (int i = 0; i < READING_N; i++) {
		reader_counters(r->readers[i], &c);
		if (c.deaths > r->deaths[i])
			log_warn("the process rp-%s, which reads what programs bring along, ended; "
				 "it is started again (%" PRIu64 " times so far)",
				 c.name, c.deaths);
		r->deaths[i] = c.deaths;
		while (reader_next_refused(r->readers[i], path, sizeof(path), &fault))
			log_warn("%s: rp-%s ended in \"%s\" at it; it is not read again until "
				 "ringprofd is restarted",
				 path, c.name, reader_fault_name(fault));
	}
}

void reading_metrics(const struct readings *r, struct buf *b)
{
	static const char up[] = "ringprof_reader_up", asked[] = "ringprof_reader_questions_total",
			  deaths[] = "ringprof_reader_deaths_total",
			  refused[] = "ringprof_reader_files_refused_total";
	struct reader_counters c[READING_N];

	for (int i = 0; i < READING_N; i++)
		reader_counters(r->readers[i], &c[i]);
	metrics_family(b, up, METRIC_GAUGE, "1 while the process that reads files is there.");
	for (int i = 0; i < READING_N; i++)
		metrics_u64(b, up, c[i].pid != 0, "reads", c[i].name, NULL);
	metrics_family(b, asked, METRIC_COUNTER, "Questions put to the processes that read files.");
	for (int i = 0; i < READING_N; i++)
		metrics_u64(b, asked, c[i].questions, "reads", c[i].name, NULL);
	metrics_family(b, deaths, METRIC_COUNTER, "Times that such a process ended.");
	for (int i = 0; i < READING_N; i++)
		metrics_u64(b, deaths, c[i].deaths, "reads", c[i].name, NULL);
	metrics_family(b, refused, METRIC_COUNTER,
		       "Files not read any more, and what their reader did.");
	for (int i = 0; i < READING_N; i++)
		for (unsigned int f = 0; f < READER_FAULTS; f++)
			metrics_u64(b, refused, c[i].refused[f], "reads", c[i].name, "reason",
				    reader_fault_name(f), NULL);
}

void reading_status(const struct readings *r, struct buf *b)
{
	struct reader_counters c;

	buf_puts(b, ",\"readers\":[");
	for (int i = 0; i < READING_N; i++) {
		reader_counters(r->readers[i], &c);
		buf_printf(b, "%s{\"reads\":\"%s\",\"pid\":%d", i ? "," : "", c.name, (int)c.pid);
		buf_printf(b, ",\"questions\":%" PRIu64 ",\"deaths\":%" PRIu64, c.questions,
			   c.deaths);
		buf_puts(b, ",\"refused\":[");
		reader_list_refused(r->readers[i], b);
		buf_puts(b, "]}");
	}
	buf_putc(b, ']');
}
