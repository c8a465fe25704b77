/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One file from the servers, by libdebuginfod: asked for, watched while it
 * comes, checked, and put where it stays. One thread, but for `stop`.
 */
#ifndef RINGPROF_SYM_DEBUGINFOD_FETCH_H
#define RINGPROF_SYM_DEBUGINFOD_FETCH_H

#include <limits.h>
#include <stdbool.h>

#include "base/cachedir.h"
#include "sym/debuginfod.h"

/* the library's own types; there is no need for its header where it is not used */
typedef struct debuginfod_client debuginfod_client;
typedef int (*debuginfod_progressfn_t)(debuginfod_client *c, long a, long b);

struct fetch {
	bool stop; /* atomic: give up what is being fetched */
	struct cachedir cache;
	char dir[PATH_MAX];   /* of the cache */
	char parts[PATH_MAX]; /* where the library puts what is coming */
	uint64_t max_disk, timeout, deadline, next_look;
	char id[128]; /* that is being fetched */
	bool opened, gave_up;

	void *library;
	debuginfod_client *(*begin)(void);
	void (*end)(debuginfod_client *c);
	int (*find)(debuginfod_client *c, const unsigned char *id, int len, char **path);
	void (*set_progressfn)(debuginfod_client *c, debuginfod_progressfn_t fn);
};

/* Loads the library and tells it by the environment where to ask and to put. 0 or -1, err set. */
int fetch_load(struct fetch *f, const struct debuginfod_config *cfg, char *err, size_t errlen);
void fetch_unload(struct fetch *f);
/*
 * The debug file of that build-id into the cache. 0, -ENOENT no server has it,
 * -EBADMSG what came is another file, or -errno.
 */
int fetch_file(struct fetch *f, const char *id);

#endif
