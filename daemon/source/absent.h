/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Why a module that is not loaded is not: what dkms has left on disk. Only
 * looks; any thread.
 */
#ifndef RINGPROF_SOURCE_ABSENT_H
#define RINGPROF_SOURCE_ABSENT_H

struct absent {
	char why[160];	 /* half a sentence, with its way out */
	const char *fix; /* command */
};

void absent_explain(struct absent *ret);

#endif
