/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scope-bound release: `cleanup_free char *s`, `cleanup_close int fd = -1`,
 * `cleanup_fclose FILE *f`. steal_fd()/steal_ptr() hand the thing on.
 */
#ifndef RINGPROF_BASE_CLEANUP_H
#define RINGPROF_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define cleanup_free   __attribute__((cleanup(cleanup_freep)))
#define cleanup_close  __attribute__((cleanup(cleanup_closep)))
#define cleanup_fclose __attribute__((cleanup(cleanup_fclosep)))

static inline int steal_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

#define steal_ptr(p)                                   \
	({                                             \
		__typeof__(p) *steal_from = &(p);      \
		__typeof__(p) steal_val = *steal_from; \
		*steal_from = NULL;                    \
		steal_val;                             \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
