/* SPDX-License-Identifier: GPL-2.0 */
/* A recording under way: what record.c and record_options.c share. */
#ifndef RINGPROF_CLI_RECORD_H
#define RINGPROF_CLI_RECORD_H

#include "agg/collector.h"
#include "cli/cli.h"
#include "query/query.h"

#define RECORD_MAX_PIDS 256

struct recording {
	struct cli *c;
	const char *path, *format;
	int out;      /* path, opened before there is something to lose */
	bool created; /* by us: goes again when nothing comes of it */
	uint64_t ns;  /* 0: until the command ends */
	struct selector *sel;
	struct source_config source;
	pid_t pids[RECORD_MAX_PIDS];
	pid_t child; /* 0: no command */
	int go;	     /* write end: the child waits for a byte */
	int child_status;
	bool interrupted; /* by a signal, which the command has, too */
	struct files *files;
	struct symbols *symbols;
	struct store *store;
	struct collector *collector;
	uint64_t began, ended; /* wall ns */
};

/* The options of r->c into r; a status of cli.h, after a message. */
int record_parse(struct recording *r);

#endif
