// SPDX-License-Identifier: GPL-2.0
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/plain.h"

static const char *log_program = "ringprof";
static enum log_level log_max = LOG_LVL_INFO;
static int log_journal = -1;

void log_init(const char *program, enum log_level max)
{
	log_program = program;
	log_max = max;
	log_journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_set_level(enum log_level max)
{
	log_max = max;
}

enum log_level log_level_get(void)
{
	return log_max;
}

void log_msg(enum log_level lvl, const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	if (lvl > log_max)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* paths among them are named by whoever made the file */
	plain_text(line);
	/* one call: lines of several threads never mix */
	if (log_journal > 0)
		fprintf(stderr, "<%d>%s\n", (int)lvl, line);
	else
		fprintf(stderr, "%s: %s%s\n", log_program, lvl == LOG_LVL_WARN ? "warning: " : "",
			line);
}
