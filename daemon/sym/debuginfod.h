/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Debug files from debuginfod servers, when the operator switched that on: who
 * asks tells strangers which programs run here.
 *
 * A thread of its own asks for one file after the other, with a limit on time
 * and size, through libdebuginfod, which is loaded only now and knows all of
 * how to ask. What comes is believed when its build-id is the one asked for,
 * and then stands in DIR/debuginfod/VERSION/BUILDID.debug, where the search for
 * debug files finds it (debugfile.h), under a byte limit; the first that came
 * go first.
 *
 * debuginfod_new: before there are other threads, as it sets the environment.
 * All others: any thread, without waiting.
 */
#ifndef RINGPROF_SYM_DEBUGINFOD_H
#define RINGPROF_SYM_DEBUGINFOD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DEBUGINFOD_VERSION  "1"
#define DEBUGINFOD_MAX_WISH 4096 /* build-ids that wait or were asked for lately */

struct debuginfod;

struct debuginfod_config {
	const char *dir;      /* cache directory */
	const char *urls;     /* separated by blanks; NULL or "": what DEBUGINFOD_URLS says */
	uint64_t max_disk;    /* bytes of what is kept, and of one file */
	uint64_t timeout;     /* ns a file */
	const char *library;  /* NULL: libdebuginfod.so.1 */
	void (*came)(void *); /* called in the thread when a file came; may be set later */
	void *arg;
};

/* To be called with the right to: see cachedir_make. */
int debuginfod_make_dir(const char *dir, uid_t uid, gid_t gid);
/* NULL with a sentence: no such library, nobody to ask, no memory. */
struct debuginfod *debuginfod_new(const struct debuginfod_config *cfg, char *err, size_t errlen);
/* Waits for the thread, which gives up what it is at: about a second. NULL is fine. */
void debuginfod_free(struct debuginfod *d);
/* Who is told of files that came; before the first wish. */
void debuginfod_on_arrival(struct debuginfod *d, void (*came)(void *), void *arg);
/* Asks for the debug file of that build-id (hex) when there is time, and not again too soon. */
void debuginfod_want(struct debuginfod *d, const char *build_id);

struct debuginfod_counters {
	uint64_t asked, came, not_found;
	uint64_t failed;  /* no answer, too slow, too large */
	uint64_t refused; /* what came was another file, or none of ours */
	uint64_t dropped; /* not asked for: too many wait */
	uint64_t waiting, bytes, evicted;
};
void debuginfod_counters(struct debuginfod *d, struct debuginfod_counters *ret);

#endif
