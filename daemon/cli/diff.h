/* SPDX-License-Identifier: GPL-2.0 */
/* The verb diff: its sides and its report. */
#ifndef RINGPROF_CLI_DIFF_H
#define RINGPROF_CLI_DIFF_H

#include "cli/cli.h"
#include "export/pprof_read.h"
#include "query/diff_gate.h"

/* exit status of the verb; the others' do not hold for it */
enum { DIFF_FINE = 0, DIFF_REGRESSED = 1, DIFF_ERROR = 2, DIFF_INCONCLUSIVE = 3 };

struct side {
	const char *name; /* as given */
	struct tree *tree;
	struct pprof_info info;
	double host_lost; /* of a range of the history: part of all CPUs' time that has no sample */
};

/*
 * Reads a side: a file, an http or https URL, or store:SELECTOR@FROM..UNTIL of
 * the daemon's history. 0, or DIFF_ERROR + a message. Free with tree_free.
 */
int side_load(const struct cli *c, const char *arg, const char *sample_type, struct side *ret);

struct report {
	const struct side *base, *head;
	const struct diff *diff;
	const struct gate *gate;
	const struct gate_limits *limits;
	const char *max_regress; /* as given */
};

/* All that the verb tells; NULL: no memory. */
json_t *report_json(const struct report *r);
void report_text(const json_t *o);
void report_markdown(const json_t *o);

#endif
