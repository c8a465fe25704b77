/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kill switch of user space: while the file is there nothing on this host
 * is sampled by daemon or command, whatever the settings say.
 */
#ifndef RINGPROF_BASE_DISABLED_H
#define RINGPROF_BASE_DISABLED_H

#include <stddef.h>

#define DISABLED_FILE RINGPROF_SYSCONFDIR "/ringprof/disabled"

/* 0, or -ECANCELED with a sentence that names the file and the way out. Any thread. */
int disabled_check(char *err, size_t errlen);

#endif
