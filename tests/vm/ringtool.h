/* SPDX-License-Identifier: GPL-2.0 */
/* The parts of ringtool: its options, its report, the module's events, the mappings to be refused. */
#ifndef RINGPROF_TESTS_RINGTOOL_H
#define RINGPROF_TESTS_RINGTOOL_H

#include <stdbool.h>
#include <sys/types.h>

#include "source/control.h"

#include "ringread.h"

struct options {
	struct control_config cfg;
	double seconds;
	const char *stacks, *output;
	bool no_drain, bad_tail, all;
	char **command;
};

/* argv[0] is the verb. False: said what is wrong. */
bool options_parse(struct options *o, int argc, char **argv);
/* Sets what was given; the rest goes back to the module's defaults. 0 or -errno. */
int options_apply(struct control *c, const struct options *o);

/* Prints both sides' counters of one run as JSON. */
void report(const struct control_config *cfg, const struct ringread *rings, unsigned int n_rings,
	    const struct control_stats *before, int n_before, const struct control_stats *after,
	    int n_after, pid_t child, int child_status);

/* ringtool table...; argv[0] is the table verb. Gives the exit status. */
int table_verb(struct control *c, int argc, char **argv);

/* Prints what the module multicasts until something is wrong; gives the exit status. */
int events(void);

/* Tries every mapping that the contract forbids; "ok"/"not ok" lines. 0: all refused. */
int rules(int fd);

#endif
