/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the daemon keeps in cache-dir, as the settings say: unwind rows, symbol
 * tables, debug files from servers. Main thread, before there are others. The
 * daemon runs without any of it, so what fails is said in the log, no error.
 */
#ifndef RINGPROF_CACHING_H
#define RINGPROF_CACHING_H

#include "base/config.h"
#include "sym/symbols.h"

/* Makes the directories and gives them to the user to be; while there is the right to. */
void caching_make_dirs(const struct config *c);
/*
 * Has files keep their symbol tables and not wait for file systems that hang,
 * and sets debug_dirs and debuginfod of y;
 * *ret_dirs: the text of the former, for free() once y was used. 0 or -ENOMEM.
 */
int caching_use(const struct config *c, struct files *files, struct symbols_config *y,
		char **ret_dirs);

#endif
